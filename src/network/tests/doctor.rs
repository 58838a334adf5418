//! What a look at this machine finds, in a network of its own.

use super::namespace::{in_namespace, run};
use crate::network::doctor::{Asked, HostRoute, InterfaceFacts, look};

#[tokio::test]
async fn a_look_knows_interfaces_routes_and_limits() {
    let Some(_part) = in_namespace("doctor::a_look_knows_interfaces_routes_and_limits") else {
        return;
    };
    run("ip", "link add planted0 type veth peer name far0");
    run("ip", "address add 192.0.2.1/24 dev planted0");
    run("ip", "link set far0 up");
    run("ip", "link set planted0 up");
    run("ip", "route add 10.77.0.0/16 via 192.0.2.9");
    for (setting, value) in [("rp_filter", "1"), ("forwarding", "1")] {
        let path = format!("/proc/sys/net/ipv4/conf/planted0/{setting}");
        std::fs::write(path, value).unwrap();
    }
    let facts = look(Asked::default()).await;
    let planted = InterfaceFacts {
        name: "planted0".to_owned(),
        forwarding: true,
        rp_filter: 1,
    };
    assert!(facts.interfaces.contains(&planted), "{facts:?}");
    let route = |destination: &str| HostRoute {
        destination: destination.parse().unwrap(),
        interface: "planted0".to_owned(),
    };
    for expected in ["10.77.0.0/16", "192.0.2.0/24"] {
        assert!(facts.routes.contains(&route(expected)), "{facts:?}");
    }
    assert_eq!(facts.routes.len(), 2, "{facts:?}");
    assert!(facts.echo.is_some());
    assert!(facts.open_files.is_none_or(|limit| limit > 0));
}
