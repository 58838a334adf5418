//! The program under test, driven as an administrator drives it: by its command line.

use std::{
    fmt, fs,
    os::unix::fs as unix,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::Value;

use crate::{
    lab::{self, Lab},
    process::{Running, until},
};

/// How the gateway reaches the target network; an ordinary user runs it either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A TUN device, with the capabilities that packaging/gatehouse.service gives, and no other.
    Tun,
    /// The user-space stack, without any capability.
    UserSpace,
}

/// `gatehouse serve` on a data directory of its own.
pub(crate) struct Gateway<'a> {
    lab: &'a Lab,
    mode: Mode,
    program: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) running: Option<Running>,
    /// More capabilities than the mode's, in setpriv's words.
    pub(crate) more: &'static str,
}

/// A refused command: AWS's code and what it says.
#[derive(Debug)]
pub(crate) struct Refused {
    code: String,
    message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl<'a> Gateway<'a> {
    /// Starts it and waits until it runs what is configured.
    pub(crate) fn start(lab: &'a Lab, mode: Mode) -> Self {
        let mut gateway = Self::prepare(lab, mode);
        gateway.serve();
        gateway.settle();
        gateway
    }

    /// Everything but the start.
    pub(crate) fn prepare(lab: &'a Lab, mode: Mode) -> Self {
        static DIRECTORIES: AtomicU32 = AtomicU32::new(0);
        let number = DIRECTORIES.fetch_add(1, Ordering::Relaxed);
        let data_dir = lab.path(&format!("data{number}"));
        fs::create_dir(&data_dir).expect("the lab's directory is ours");
        // An ordinary user may not reach the target folder, and reaches the lab's directory.
        let program = lab.path(&format!("gatehouse{number}"));
        let built = Path::new(env!("CARGO_BIN_EXE_gatehouse"));
        if fs::hard_link(built, &program).is_err() {
            fs::copy(built, &program).expect("the program can be copied");
        }
        unix::chown(&data_dir, Some(NOBODY), Some(NOBODY)).expect("root may give away");
        Self {
            lab,
            mode,
            program,
            data_dir,
            running: None,
            more: "",
        }
    }

    /// Starts the service; it may not answer yet.
    pub(crate) fn serve(&mut self) {
        let network = match self.mode {
            Mode::Tun => "tun",
            Mode::UserSpace => "userspace",
        };
        let mut command = self.command();
        command.args(["serve", "--network", network]);
        let log = self.data_dir.with_extension("log");
        self.running = Some(Running::start("gatehouse", &mut command, log));
    }

    /// Waits until what runs matches the configuration.
    pub(crate) fn settle(&mut self) {
        self.wait_answering();
        let output = self
            .command()
            .args(["status", "--wait"])
            .output()
            .expect("the program can be started");
        assert!(
            output.status.success(),
            "status --wait: {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Waits until it takes commands.
    pub(crate) fn wait_answering(&mut self) {
        let answers = until(Duration::from_secs(20), || {
            let ended = self.running.as_mut().and_then(Running::ended);
            assert!(ended.is_none(), "gatehouse serve ended: {ended:?}");
            self.ask(&["ec2", "describe-vpcs"]).ok()
        });
        assert!(answers.is_some(), "gatehouse serve does not answer");
    }

    /// Asks it to end, as a service manager does.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("it was started");
        running.stop()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut running = self.running.take().expect("it was started");
        running.kill();
    }

    /// Carries a command out and returns what it answers.
    ///
    /// # Panics
    /// When it is refused.
    pub(crate) fn tell(&self, arguments: &[&str]) -> Value {
        self.ask(arguments)
            .unwrap_or_else(|refused| panic!("{arguments:?}: {refused}"))
    }

    /// Carries a command out, or returns why not.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Value, Refused> {
        let text = self.text(arguments)?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        let answer = serde_json::from_str(&text);
        Ok(answer.unwrap_or_else(|error| panic!("{arguments:?}: {error} in {text}")))
    }

    fn text(&self, arguments: &[&str]) -> Result<String, Refused> {
        let output = self
            .command()
            .args(arguments)
            .output()
            .expect("the program can be started");
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let error: Value = serde_json::from_str(&said).unwrap_or(Value::Null);
        let part = |name: &str| error["Error"][name].as_str().unwrap_or(&said).to_owned();
        Err(Refused {
            code: part("Code"),
            message: part("Message"),
        })
    }

    /// A shell that stops at the first error and in which `gatehouse` is the program on this
    /// gateway's data directory.
    pub(crate) fn shell(&self, commands: &str) -> Command {
        let begin = r#"set -euo pipefail; gatehouse() { "$PROGRAM" --data-dir "$DATA_DIR" "$@"; }"#;
        let mut command = self.lab.gateway.command("bash");
        command
            .env("PROGRAM", &self.program)
            .env("DATA_DIR", &self.data_dir)
            .args(["-c", &format!("{begin}\n{commands}")]);
        command
    }

    /// The program in its network, with the rights of its mode.
    fn command(&self) -> Command {
        let user = NOBODY.to_string();
        let capabilities = match self.mode {
            Mode::Tun => capabilities_of_the_service(),
            Mode::UserSpace => String::new(),
        } + self.more;
        // systemd leaves /dev/net/tun open to everyone; other machines may not. What is mounted
        // here is seen by this command only.
        let mut command = self.lab.gateway.command("sh");
        command
            .args(["-c", "mount --bind \"$0\" /dev/net/tun && exec \"$@\""])
            .arg(self.lab.tun_device())
            .args(["setpriv", "--no-new-privs", "--clear-groups"])
            .args(["--reuid", &user, "--regid", &user])
            .arg(format!("--inh-caps=-all{capabilities}"))
            .arg(format!("--ambient-caps=-all{capabilities}"))
            .arg(format!("--bounding-set=-all{capabilities}"))
            .arg(&self.program);
        command
            .env("HOME", &self.data_dir)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .arg("--data-dir")
            .arg(&self.data_dir);
        command
    }
}

/// Debian's `nobody` and `nogroup`.
pub(crate) const NOBODY: u32 = 65_534;

/// The service's ambient set in setpriv's words: `,+net_admin,+net_bind_service`.
fn capabilities_of_the_service() -> String {
    let unit = include_str!("../../packaging/gatehouse.service");
    let set = unit
        .lines()
        .find_map(|line| line.strip_prefix("AmbientCapabilities="))
        .expect("the unit gives capabilities");
    set.split_whitespace()
        .map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect()
}

/// What the tests' administrator does, in the words of the AWS guide.
impl Gateway<'_> {
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.tell(&["settings", "set", name, value]);
    }

    /// A command of `gatehouse ec2`, its words separated by spaces.
    pub(crate) fn ec2(&self, words: &str) -> Value {
        let words: Vec<&str> = words.split_whitespace().collect();
        self.tell(&[&["ec2"], &words[..]].concat())
    }

    /// The same, and then waits until it holds for packets.
    pub(crate) fn ec2_settled(&self, words: &str) -> Value {
        let answer = self.ec2(words);
        self.tell(&["status", "--wait"]);
        answer
    }

    /// Whether a user's traffic to an address passes, and if not, the step that refuses it.
    pub(crate) fn refusing_step(&self, who: [&str; 2], to: Destination<'_>) -> Option<String> {
        let (address, port) = (to.address.to_string(), to.port.to_string());
        let mut words = vec!["why", "--client-vpn-endpoint-id", to.endpoint];
        words.extend(who);
        words.extend(["--destination", &address, "--protocol", to.protocol]);
        if to.protocol != "icmp" {
            words.extend(["--port", &port]);
        }
        let answer = self.tell(&words);
        let steps = answer["Reasons"].as_array().expect("a list of steps");
        let refusing = steps.iter().find(|step| step["Passes"] == false);
        assert_eq!(answer["Verdict"] == "deny", refusing.is_some(), "{answer}");
        refusing.map(|step| text(&step["Step"]))
    }

    /// The lab's VPC with its target network, and an internet gateway; returns the subnet.
    pub(crate) fn create_networks(&self) -> String {
        self.set("public-address", &lab::PUBLIC.to_string());
        let vpc = self.tell(&["ec2", "create-vpc", "--cidr-block", lab::VPC]);
        let vpc = text(&vpc["Vpc"]["VpcId"]);
        let gateway = self.tell(&["ec2", "create-internet-gateway"]);
        let gateway = text(&gateway["InternetGateway"]["InternetGatewayId"]);
        self.tell(&[
            "ec2",
            "attach-internet-gateway",
            "--internet-gateway-id",
            &gateway,
            "--vpc-id",
            &vpc,
        ]);
        let subnet = self.tell(&[
            "ec2",
            "create-subnet",
            "--vpc-id",
            &vpc,
            "--cidr-block",
            lab::SUBNET,
        ]);
        text(&subnet["Subnet"]["SubnetId"])
    }

    /// An authority of our own; returns its ARN.
    pub(crate) fn create_ca(&self, name: &str) -> String {
        arn(&self.tell(&["pki", "create-ca", "--common-name", name]))
    }

    /// A certificate of an authority of our own; returns its ARN.
    pub(crate) fn issue(&self, ca: &str, usage: &str, name: &str) -> String {
        arn(&self.tell(&[
            "pki",
            "issue",
            "--ca-arn",
            ca,
            "--usage",
            usage,
            "--common-name",
            name,
        ]))
    }

    /// A certificate that others made; returns its ARN.
    pub(crate) fn import(&self, certificate: &Path, key: &Path, chain: &Path) -> String {
        // The administrator reads the files; the program is given copies that it may read.
        let dir = self.lab.path("import");
        fs::create_dir_all(&dir).expect("the lab's directory is ours");
        let copy = |from: &Path| {
            let to = dir.join(from.file_name().unwrap_or_default());
            fs::copy(from, &to).expect("the file is there");
            unix::chown(&to, Some(NOBODY), Some(NOBODY)).expect("root may give away");
            format!("file://{}", to.display())
        };
        arn(&self.tell(&[
            "acm",
            "import-certificate",
            "--certificate",
            &copy(certificate),
            "--private-key",
            &copy(key),
            "--certificate-chain",
            &copy(chain),
        ]))
    }

    /// Everything at once: networks, certificates of our own, an endpoint that opens the target to
    /// everyone, and the first user's file.
    pub(crate) fn set_up(&mut self, transport: &str, options: &[&str]) -> SetUp {
        let subnet = self.create_networks();
        let ca = self.create_ca("Interop CA");
        let server = self.issue(&ca, "server", "vpn.example.test");
        let endpoint = self.create_endpoint(&EndpointPlan {
            client_cidr: "10.200.0.0/22",
            server_certificate: &server,
            client_ca: &ca,
            transport,
            port: 1194,
            subnet: &subnet,
            options,
        });
        self.authorize(&endpoint, &format!("{}/32", lab::TARGET));
        let client = self.issue(&ca, "client", "alice");
        SetUp {
            profile: self.export(&endpoint, Some(&client)),
            endpoint,
            subnet,
        }
    }

    /// Creates an endpoint with one target network, and waits until clients may come.
    pub(crate) fn create_endpoint(&mut self, plan: &EndpointPlan<'_>) -> Endpoint {
        let authentication = format!(
            "Type=certificate-authentication,MutualAuthentication={{ClientRootCertificateChainArn={}}}",
            plan.client_ca
        );
        let port = plan.port.to_string();
        let mut order = vec![
            "ec2",
            "create-client-vpn-endpoint",
            "--client-cidr-block",
            plan.client_cidr,
            "--server-certificate-arn",
            plan.server_certificate,
            "--authentication-options",
            &authentication,
            "--connection-log-options",
            "Enabled=false",
            "--transport-protocol",
            plan.transport,
            "--vpn-port",
            &port,
        ];
        order.extend(plan.options);
        let created = self.tell(&order);
        let endpoint = Endpoint {
            id: text(&created["ClientVpnEndpointId"]),
        };
        self.tell(&[
            "ec2",
            "associate-client-vpn-target-network",
            "--client-vpn-endpoint-id",
            &endpoint.id,
            "--subnet-id",
            plan.subnet,
        ]);
        self.settle();
        endpoint
    }

    /// Opens a network to everyone.
    pub(crate) fn authorize(&mut self, endpoint: &Endpoint, cidr: &str) {
        self.tell(&[
            "ec2",
            "authorize-client-vpn-ingress",
            "--client-vpn-endpoint-id",
            &endpoint.id,
            "--target-network-cidr",
            cidr,
            "--authorize-all-groups",
        ]);
        self.settle();
    }

    /// A route for the clients of an endpoint.
    pub(crate) fn create_route(&mut self, endpoint: &Endpoint, cidr: &str, subnet: &str) {
        self.tell(&[
            "ec2",
            "create-client-vpn-route",
            "--client-vpn-endpoint-id",
            &endpoint.id,
            "--destination-cidr-block",
            cidr,
            "--target-vpc-subnet-id",
            subnet,
        ]);
        self.settle();
    }

    /// The configuration file; with a client certificate inside where one is named.
    pub(crate) fn export(&self, endpoint: &Endpoint, client: Option<&str>) -> String {
        let mut arguments = vec![
            "ec2",
            "export-client-vpn-client-configuration",
            "--client-vpn-endpoint-id",
            &endpoint.id,
            "--output",
            "text",
        ];
        if let Some(client) = client {
            arguments.extend(["--client-certificate-arn", client]);
        }
        let text = self.text(&arguments);
        text.unwrap_or_else(|refused| panic!("{arguments:?}: {refused}"))
    }

    /// The endpoint's connections: identifier and state.
    pub(crate) fn connections(&self, endpoint: &Endpoint) -> Vec<(String, String)> {
        let answer = self.tell(&[
            "ec2",
            "describe-client-vpn-connections",
            "--client-vpn-endpoint-id",
            &endpoint.id,
        ]);
        let list = answer["Connections"].as_array().expect("a list of them");
        list.iter()
            .map(|one| (text(&one["ConnectionId"]), text(&one["Status"]["Code"])))
            .collect()
    }

    /// The connection that is active, when there is exactly one.
    pub(crate) fn active_connection(&self, endpoint: &Endpoint) -> Option<String> {
        let mut active: Vec<String> = self
            .connections(endpoint)
            .into_iter()
            .filter(|(_, state)| state == "active")
            .map(|(id, _)| id)
            .collect();
        if active.len() == 1 {
            active.pop()
        } else {
            None
        }
    }
}

/// What somebody wants to reach through an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) address: std::net::Ipv4Addr,
    /// `tcp`, `udp` or `icmp`.
    pub(crate) protocol: &'a str,
    pub(crate) port: u16,
}

/// What an endpoint is made of.
pub(crate) struct EndpointPlan<'a> {
    pub(crate) client_cidr: &'a str,
    pub(crate) server_certificate: &'a str,
    pub(crate) client_ca: &'a str,
    pub(crate) transport: &'a str,
    pub(crate) port: u16,
    pub(crate) subnet: &'a str,
    /// More options of the command.
    pub(crate) options: &'a [&'a str],
}

/// What [`Gateway::set_up`] made.
pub(crate) struct SetUp {
    pub(crate) endpoint: Endpoint,
    pub(crate) subnet: String,
    /// The first user's file, with certificate and key inside.
    pub(crate) profile: String,
}

/// An endpoint that was created.
pub(crate) struct Endpoint {
    pub(crate) id: String,
}

fn arn(answer: &Value) -> String {
    text(&answer["CertificateArn"])
}

/// A string of an answer.
pub(crate) fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}
