//! A data directory of its own, the binary, and a gateway that is told when to start and end.

use std::{
    fs::File,
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// What one run of the binary came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

impl Outcome {
    /// The answer of a command that had to succeed.
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.success(), "{self:?}");
        if self.stdout.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The refusal of a command that had to be refused.
    pub(crate) fn refusal(&self) -> Value {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        assert_eq!(self.stdout, "");
        serde_json::from_str::<Value>(&self.stderr).unwrap()["Error"].clone()
    }
}

/// A data directory.
pub(crate) struct Installation {
    dir: TempDir,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("gh").tempdir().unwrap();
        Self { dir }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Where a test may put files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the binary on this directory.
    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        let output = command(&self.data_dir(), args).output().unwrap();
        Outcome {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command line whose words have no blanks inside.
    pub(crate) fn words(&self, line: &str) -> Outcome {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// One text out of the answer to a command line.
    pub(crate) fn text(&self, line: &str, pointer: &str) -> String {
        let json = self.words(line).json();
        let value = json.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("{json}")).to_owned()
    }

    /// Starts a gateway and returns when it says that it runs.
    pub(crate) fn serve(&self) -> Gateway {
        let ready = self.file("ready.sock");
        std::fs::remove_file(&ready).ok();
        let socket = UnixDatagram::bind(&ready).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = self.file("serve.log");
        let child = command(&self.data_dir(), &["serve", "--network", "userspace"])
            .env("NOTIFY_SOCKET", &ready)
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let gateway = Gateway { child };
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap_or_else(|error| {
            let log = std::fs::read_to_string(&log).unwrap();
            panic!("{error}: {log}");
        });
        assert_eq!(&message[..length], b"READY=1\n");
        gateway
    }
}

/// A running `gatehouse serve`.
pub(crate) struct Gateway {
    child: Child,
}

impl Gateway {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Gone already where the test ended it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The binary on a data directory, with nothing of this machine's environment in its way.
pub(crate) fn command(data_dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command
        .arg("--data-dir")
        .arg(data_dir)
        .args(args)
        .env_remove("GATEHOUSE_DATA_DIR")
        .env_remove("STATE_DIRECTORY")
        .env_remove("NOTIFY_SOCKET");
    command
}

/// A port that nobody listens on at this moment, over UDP and TCP.
pub(crate) fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// What an endpoint needs, made by commands.
pub(crate) struct Parts {
    pub(crate) ca: String,
    pub(crate) server: String,
    pub(crate) client: String,
    pub(crate) vpc: String,
    pub(crate) subnet: String,
}

impl Parts {
    pub(crate) fn make(on: &Installation) -> Self {
        let arn = "/CertificateArn";
        let ca = on.text("pki create-ca --common-name CA", arn);
        let issue = |usage: &str, name: &str| {
            let line = format!("pki issue --ca-arn {ca} --usage {usage} --common-name {name}");
            on.text(&line, arn)
        };
        let server = issue("server", "vpn.example.com");
        let client = issue("client", "ann");
        let vpc = on.text("ec2 create-vpc --cidr-block 10.40.0.0/16", "/Vpc/VpcId");
        let subnet = on.text(
            &format!("ec2 create-subnet --vpc-id {vpc} --cidr-block 10.40.1.0/24"),
            "/Subnet/SubnetId",
        );
        Self {
            ca,
            server,
            client,
            vpc,
            subnet,
        }
    }

    /// The command line that makes an endpoint of these parts.
    pub(crate) fn create_endpoint(&self, cidr: &str, more: &str) -> String {
        let (server, ca) = (&self.server, &self.ca);
        format!(
            "ec2 create-client-vpn-endpoint --client-cidr-block {cidr} \
             --server-certificate-arn {server} --authentication-options \
             Type=certificate-authentication,\
             MutualAuthentication={{ClientRootCertificateChainArn={ca}}} \
             --connection-log-options Enabled=false {more}"
        )
    }
}

/// How long a process may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
