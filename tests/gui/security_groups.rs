//! Security groups: made, given a rule, and applied to an endpoint's target networks.

use gatehouse::model::{Command, Direction, IpProtocol, command::ById};

use crate::why::office;

#[test]
fn a_group_is_made_given_a_rule_and_applied_to_the_endpoint() {
    let mut home = office();
    let window = &mut home.window;
    window.go("Security groups");
    window.press("Create security group…");
    window.fill("Name", "vpn-clients");
    window.fill("Description", "What comes through Client VPN");
    window.press("Create security group");
    window.wait_for("No inbound rules");
    window.press("Add rule…");
    window.fill("Port range", "443");
    window.fill("CIDR", "192.0.2.0/33");
    window.press("Add rule");
    window.wait_for("1 field needs a change");
    window.fill("CIDR", "192.0.2.0/24");
    window.press("Add rule");
    window.wait_for("192.0.2.0/24, TCP, ports 443");

    let snapshot = window.view().snapshot.clone();
    let mut groups = snapshot.security_groups.values();
    let group = groups.find(|group| group.name == "vpn-clients");
    let group = group.expect("it was made");
    let rules: Vec<_> = group.rules_of(Direction::Ingress).collect();
    assert!(matches!(&rules[..], [rule] if rule.protocol == Some(IpProtocol::Tcp)));

    window.go("Client VPN Endpoints");
    window.press_containing("corp-staff");
    window.tab("Security Groups");
    window.press("Apply Security Groups");
    window.press("default");
    window.press("vpn-clients");
    window.press("Apply Security Groups");
    window.wait("the new group is the only one", |window| {
        let snapshot = window.view().snapshot.clone();
        let mut endpoints = snapshot.endpoints.values();
        endpoints.all(|it| it.security_groups.iter().eq([&group.id]))
    });
    let refused = home.try_call(Command::DeleteSecurityGroup(ById {
        id: group.id.to_string(),
    }));
    assert!(refused.is_err(), "what is applied cannot be deleted");
}
