//! Checks of what this machine does.

use ipnet::Ipv4Net;

use super::{Mend, Scene, good, problem, warning};
use crate::{
    model::{Finding, network::Via},
    network::{
        DEFAULT_TUN_NAME,
        doctor::{Facts, Hook, Obstacle, Outside, Passage},
    },
};

pub(super) fn findings(scene: &Scene<'_>, facts: &Facts) -> Vec<Finding> {
    let mut found = firewall(scene, facts);
    found.extend(outside(facts));
    if scene.is_tun() {
        found.push(forwarding(facts));
        found.extend(source_check(facts));
    } else if scene.mode().is_some() {
        found.extend(echo(facts));
    }
    found.extend(overlaps(scene, facts));
    found.extend(default_route(scene, facts));
    found.extend(open_files(facts));
    found.extend(egresses(facts));
    found
}

/// Other firewalls, where they forward and where they let packets to this machine in.
fn firewall(scene: &Scene<'_>, facts: &Facts) -> Vec<Finding> {
    let obstacles = match &facts.firewall {
        Some(Ok(obstacles)) => obstacles,
        Some(Err(why)) => {
            return vec![good(
                "forward-firewall",
                format!("Not looked at: the firewall's rules cannot be read ({why})."),
            )];
        }
        None => return Vec::new(),
    };
    let obstacles: Vec<Obstacle> = obstacles
        .iter()
        .filter_map(|obstacle| not_passed(obstacle, facts))
        .collect();
    let mut found: Vec<Finding> = obstacles.iter().map(obstacle).collect();
    let none = |hook| obstacles.iter().all(|obstacle| obstacle.hook != hook);
    if none(Hook::Forward) {
        let sentence = if scene.is_tun() {
            "No other firewall on this machine refuses what is forwarded for clients."
        } else {
            "Nothing is forwarded by the kernel in this mode, so no forward chain matters."
        };
        found.push(good("forward-firewall", sentence));
    }
    if none(Hook::Input) {
        let sentence = "No firewall on this machine refuses packets to the gateway's ports.";
        found.push(good("input-firewall", sentence));
    }
    found
}

/// The obstacle without ports that were reached from outside all the same.
fn not_passed(obstacle: &Obstacle, facts: &Facts) -> Option<Obstacle> {
    let knocked = match &facts.outside {
        Some(Ok(knocked)) => knocked.as_slice(),
        _ => &[],
    };
    let is_reached = |passage: &Passage| match passage {
        Passage::Port(transport, port) => knocked.contains(&(*transport, *port, Outside::Answers)),
        _ => false,
    };
    let mut left = obstacle.clone();
    left.refused.retain(|passage| !is_reached(passage));
    (!left.refused.is_empty()).then_some(left)
}

fn obstacle(obstacle: &Obstacle) -> Finding {
    let Obstacle {
        family,
        table,
        chain,
        how,
        ..
    } = obstacle;
    let place = format!("chain {chain} of table {family} {table}");
    // Before every other rule: one further down may be behind the refusal.
    let insert = |rule: &str| format!("nft insert rule {family} '{table}' '{chain}' {rule} accept");
    let commands: Vec<String> = obstacle
        .refused
        .iter()
        .map(|passage| match passage {
            Passage::FromClients => insert(&format!("iifname {DEFAULT_TUN_NAME}")),
            // The number in their names is another one after each start.
            Passage::FromExits => insert("iifname 'gh*'"),
            Passage::Answers => insert(&format!(
                "oifname {DEFAULT_TUN_NAME} ct state established,related"
            )),
            Passage::ToClients => insert(&format!("oifname {DEFAULT_TUN_NAME}")),
            Passage::Port(transport, port) => insert(&format!("{transport} dport {port}")),
        })
        .collect();
    let has_exits = obstacle.refused.contains(&Passage::FromExits);
    let exits = if has_exits {
        ", and those of subnets with an egress of their own, whose names begin with gh,"
    } else {
        ""
    };
    let keep = "To keep it over a restart, have the firewall's own configuration say the same.";
    match obstacle.hook {
        Hook::Forward => problem(
            "forward-firewall",
            format!(
                "This machine's firewall refuses what is forwarded for clients: {place} {how}, and no rule of it accepts them."
            ),
            Mend::new(format!(
                "Accept the gateway's device {DEFAULT_TUN_NAME}{exits} there. {keep}"
            ))
            .by(commands),
        ),
        Hook::Input => problem(
            "input-firewall",
            format!(
                "This machine's firewall refuses packets to {}: {place} {how}, and no rule of it accepts them by port.",
                ports(&obstacle.refused)
            ),
            Mend::new(format!("Accept the port there. {keep}")).by(commands),
        ),
    }
}

fn ports(refused: &[Passage]) -> String {
    let names: Vec<String> = refused
        .iter()
        .filter_map(|passage| match passage {
            Passage::Port(transport, port) => Some(format!("{transport} port {port}")),
            _ => None,
        })
        .collect();
    names.join(", ")
}

fn outside(facts: &Facts) -> Vec<Finding> {
    let check = "reach-from-outside";
    let knocked = match &facts.outside {
        Some(Ok(knocked)) => knocked,
        Some(Err(why)) => {
            let sentence = format!(
                "Not looked at: to knock at the gateway's ports from a network of its own, {why}."
            );
            return vec![good(check, sentence)];
        }
        None => return Vec::new(),
    };
    let told = knocked.iter().map(|(transport, port, outcome)| match outcome {
        Outside::Answers => good(
            check,
            format!("{transport} port {port} answers a stranger on a network beside this machine."),
        ),
        Outside::Silent => warning(
            check,
            format!("{transport} port {port} does not answer a stranger on a network beside this machine."),
            Mend::new("Look for a rule of this machine's firewall that drops the packets, or that accepts them from some interfaces only.")
                .by(vec![format!("nft list ruleset | grep --line-number --extended-regexp 'hook input|dport|drop|reject' # {transport} {port}")]),
        ),
    });
    told.collect()
}

fn forwarding(facts: &Facts) -> Finding {
    let off: Vec<&str> = facts
        .interfaces
        .iter()
        .filter(|interface| !interface.forwarding)
        .map(|interface| interface.name.as_str())
        .collect();
    if off.is_empty() {
        return good("forwarding", "Every interface forwards.");
    }
    problem(
        "forwarding",
        format!("The kernel does not forward on {}.", off.join(", ")),
        Mend::new(
            "Wait: the gateway switches it on itself within 30 seconds, behind a rule that keeps the interface from forwarding anything else. Where it stays off, have what switches it off, for example a file in /etc/sysctl.d, leave it alone.",
        ),
    )
}

/// The check of source addresses, which drops answers that come in where nothing would be sent out.
fn source_check(facts: &Facts) -> Vec<Finding> {
    let check = "rp-filter";
    let strict = facts
        .interfaces
        .iter()
        .filter(|interface| interface.rp_filter == 1);
    let told: Vec<Finding> = strict
        .map(|interface| {
            let name = &interface.name;
            let is_egress = facts.egresses.iter().any(|(via, _)| *via == Via::Interface(name.clone()));
            let sentence = format!(
                "The kernel checks source addresses strictly on {name} (rp_filter 1): packets are dropped where answers would take another interface."
            );
            let mend = Mend::new("Check loosely, which still drops sources that no route leads to.")
                .by(vec![format!("sysctl -w net/ipv4/conf/{name}/rp_filter=2")]);
            if is_egress {
                problem(check, sentence, mend)
            } else {
                warning(check, sentence, mend)
            }
        })
        .collect();
    if told.is_empty() {
        return vec![good(
            check,
            "No interface checks source addresses strictly (rp_filter).",
        )];
    }
    told
}

fn echo(facts: &Facts) -> Option<Finding> {
    let (may, groups) = facts.echo.as_ref()?;
    Some(if *may {
        good(
            "echo",
            "The gateway may send ICMP echo requests for clients.",
        )
    } else {
        warning(
            "echo",
            format!(
                "The gateway may not send ICMP echo requests (ping_group_range is {groups}), so clients' pings go unanswered."
            ),
            Mend::new("Let every group send them, as systemd does.").by(vec![
                "sysctl -w net/ipv4/ping_group_range='0 2147483647'".to_owned(),
            ]),
        )
    })
}

/// Client ranges that this machine uses otherwise.
fn overlaps(scene: &Scene<'_>, facts: &Facts) -> Vec<Finding> {
    let check = "client-range";
    let endpoints = scene.view.snapshot.endpoints.values();
    let told = endpoints.filter(|endpoint| !endpoint.deleting).map(|endpoint| {
        let range = endpoint.client_cidr;
        if !scene.is_tun() {
            return good(
                check,
                format!("The client range {range} of {} is in no routing table of this machine in this mode.", endpoint.id),
            );
        }
        // A wider route is none: the way to the clients is more precise.
        let meets = |net: &Ipv4Net| range.contains(net);
        let route = facts.routes.iter().find(|route| meets(&route.destination));
        match route {
            None => good(
                check,
                format!("No route of this machine leads elsewhere from the client range {range} of {}.", endpoint.id),
            ),
            Some(route) => problem(
                check,
                format!(
                    "This machine's route to {} through {} is within the client range {range} of {}: answers to its clients may go there.",
                    route.destination, route.interface, endpoint.id
                ),
                Mend::new("Create the endpoint with a client range that nothing else here uses."),
            ),
        }
    });
    told.collect()
}

fn default_route(scene: &Scene<'_>, facts: &Facts) -> Option<Finding> {
    let snapshot = &scene.view.snapshot;
    let offered = snapshot
        .routes
        .iter()
        .find(|route| route.destination.prefix_len() == 0)?;
    let has_one = facts
        .routes
        .iter()
        .any(|route| route.destination.prefix_len() == 0);
    Some(if has_one {
        good(
            "default-route",
            "This machine has a default route, as the endpoints' routes to 0.0.0.0/0 need.",
        )
    } else {
        problem(
            "default-route",
            format!(
                "{} offers clients 0.0.0.0/0, and this machine has no default route.",
                offered.endpoint_id
            ),
            Mend::new("Add one by the address of this machine's router, or delete the endpoint's route to 0.0.0.0/0.")
                .by(vec!["ip route add default via ROUTER_ADDRESS".to_owned()]),
        )
    })
}

fn open_files(facts: &Facts) -> Option<Finding> {
    let limit = facts.open_files?;
    Some(if limit >= ENOUGH_FILES {
        good(
            "open-files",
            format!("The gateway may have {limit} files open."),
        )
    } else {
        warning(
            "open-files",
            format!(
                "The gateway may have only {limit} files open; each TCP client and each flow in user space takes one."
            ),
            more_files(facts.has_unit),
        )
    })
}

fn more_files(has_unit: bool) -> Mend {
    if !has_unit {
        return Mend::new("Raise the limit of the process; for its next start, have what starts it do so (ulimit -n 1048576).")
            .by(vec![format!("prlimit --pid {} --nofile=1048576", std::process::id())]);
    }
    Mend::new("Raise the limit of the service and restart it, which clients notice.").by(vec![
        "mkdir -p /etc/systemd/system/gatehouse.service.d".to_owned(),
        "printf '[Service]\\nLimitNOFILE=1048576\\n' > /etc/systemd/system/gatehouse.service.d/files.conf".to_owned(),
        "systemctl daemon-reload".to_owned(),
        "systemctl restart gatehouse".to_owned(),
    ])
}

fn egresses(facts: &Facts) -> Vec<Finding> {
    let check = "egress";
    let told = facts.egresses.iter().filter_map(|(via, health)| {
        let (way, mend) = match via {
            Via::HostRouting => return None,
            Via::Interface(name) => (
                format!("the interface {name}"),
                match health {
                    Err(why) if why.contains("is switched off") => {
                        Mend::new("Bring it up, or give the subnet another egress.")
                            .by(vec![format!("ip link set {name} up")])
                    }
                    _ => Mend::new("Mend what is said of it, or give the subnet another egress."),
                },
            ),
            Via::SourceAddress(address) => (
                format!("the address {address}"),
                Mend::new("Give an interface that address, or the subnet another egress."),
            ),
        };
        Some(match health {
            Ok(()) => good(check, format!("Clients' packets can leave by {way}.")),
            Err(why) => problem(
                check,
                format!("Clients' packets cannot leave by {way}. {why}"),
                mend,
            ),
        })
    });
    told.collect()
}

/// Below this a few hundred busy clients meet the limit.
const ENOUGH_FILES: u64 = 4_096;
