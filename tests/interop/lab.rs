//! Network namespaces joined by links, and ways to act inside them.

use std::{
    env,
    fs::{self, Permissions},
    io::Write as _,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The gateway's address on the internet: what `remote` names.
pub(crate) const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 18, 2, 2);
/// A host on the internet, beyond the gateway's default route.
pub(crate) const INTERNET_HOST: Ipv4Addr = Ipv4Addr::new(198, 18, 9, 9);
/// The VPC, of which the target network is a subnet.
pub(crate) const VPC: &str = "10.77.0.0/16";
/// The target network.
pub(crate) const SUBNET: &str = "10.77.1.0/24";
/// The gateway's own address in the target network.
pub(crate) const GATEWAY_IN_SUBNET: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 1);
/// A server in the target network.
pub(crate) const TARGET: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 10);
/// Another one, beside it.
pub(crate) const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 11);
/// A second target network of the VPC, in another zone; see [`Lab::other_zone`].
pub(crate) const OTHER_SUBNET: &str = "10.77.2.0/24";
/// A server of the VPC that the gateway reaches through either zone.
pub(crate) const CORE: Ipv4Addr = Ipv4Addr::new(10, 77, 3, 10);
/// Where clouds keep their machines' secrets; the lab puts one on the gateway.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The networks of one test. They go when this is dropped.
pub(crate) struct Lab {
    pub(crate) router: Namespace,
    pub(crate) gateway: Namespace,
    pub(crate) target: Namespace,
    clients: AtomicU32,
    prefix: String,
    dir: tempfile::TempDir,
}

impl Lab {
    /// Builds the networks; `None`, with a word on why, where this machine cannot have them.
    ///
    /// # Panics
    /// Where it cannot have them and CI=true.
    pub(crate) fn build() -> Option<Self> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        static SWEEP: Once = Once::new();

        if let Err(lack) = requirements() {
            assert!(
                env::var_os("CI").is_none_or(|ci| ci != "true"),
                "CI runs these tests, and {lack}"
            );
            say(&format!("skipped: {lack}"));
            return None;
        }
        SWEEP.call_once(remove_leftovers);

        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{PREFIX}{}-{number}", std::process::id());
        let lab = Self {
            router: Namespace::create(format!("{prefix}-router")),
            gateway: Namespace::create(format!("{prefix}-gateway")),
            target: Namespace::create(format!("{prefix}-target")),
            clients: AtomicU32::new(0),
            prefix,
            dir: tempfile::Builder::new()
                .prefix("gatehouse-interop-")
                .tempdir()
                .expect("a temporary directory can be made"),
        };
        lab.connect();
        Some(lab)
    }

    fn connect(&self) {
        let (router, gateway, target) = (&self.router, &self.gateway, &self.target);
        // An ordinary user that the gateway runs as must reach what is in the directory.
        let open_to_all = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
        };
        open_to_all(self.dir.path(), 0o755);
        let (tun, kind) = (self.tun_device(), ["c", "10", "200"]);
        run(Command::new("mknod").arg(&tun).args(kind));
        open_to_all(&tun, 0o666);

        router.link("gateway0", gateway, "wan0");
        router.ip(&format!(
            "address add 198.18.2.1/24 dev gateway0\naddress add {INTERNET_HOST}/32 dev lo"
        ));
        router.sysctl("net/ipv4/ip_forward", "1");
        gateway.ip(&format!(
            "address add {PUBLIC}/24 dev wan0\nroute add default via 198.18.2.1"
        ));

        gateway.link("lan0", target, "lan0");
        gateway.ip(&format!("address add {GATEWAY_IN_SUBNET}/24 dev lan0"));
        target.ip(&format!(
            "address add {TARGET}/24 dev lan0\naddress add {NEIGHBOUR}/24 dev lan0"
        ));
        // Whatever this machine forwards, the gateway's does not until we make it.
        gateway.sysctl("net/ipv4/ip_forward", "0");
        // As systemd sets it: an ordinary user may ask for an echo.
        gateway.sysctl("net/ipv4/ping_group_range", "0 2147483647");
    }

    /// One more client, in a network of its own behind the router.
    pub(crate) fn client(&self) -> Namespace {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        let client = Namespace::create(format!("{}-client{number}", self.prefix));
        let (net, port) = (10 + number, format!("client{number}"));
        self.router.link(&port, &client, "eth0");
        self.router
            .ip(&format!("address add 198.18.{net}.1/24 dev {port}"));
        client.ip(&format!(
            "address add 198.18.{net}.2/24 dev eth0\nroute add default via 198.18.{net}.1"
        ));
        client
    }

    /// Another way to the target, which ends in the second target network: [`CORE`] is behind both
    /// ways, and this machine's own routes prefer the first.
    pub(crate) fn other_zone(&self) {
        self.gateway.link("lan1", &self.target, "lan1");
        self.gateway.ip("address add 10.77.2.1/24 dev lan1");
        self.target.ip(&format!(
            "address add 10.77.2.10/24 dev lan1\naddress add {CORE}/32 dev lo"
        ));
        self.gateway.ip(
            "route add 10.77.3.0/24 via 10.77.1.10 dev lan0 metric 100\n\
             route add 10.77.3.0/24 via 10.77.2.10 dev lan1 metric 200",
        );
    }

    /// A network beside the target network, with one server: the gateway is in it too. `number` is
    /// its own in the lab.
    pub(crate) fn beside(&self, number: u8, gateway: &str, server: &str) -> Namespace {
        let beside = Namespace::create(format!("{}-beside{number}", self.prefix));
        let port = format!("beside{number}");
        self.gateway.link(&port, &beside, "eth0");
        self.gateway
            .ip(&format!("address add {gateway} dev {port}"));
        beside.ip(&format!("address add {server} dev eth0"));
        beside
    }

    /// The node of the TUN device, open to everyone.
    pub(crate) fn tun_device(&self) -> PathBuf {
        self.path("tun")
    }

    /// A path in this lab's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A network namespace: removed, with the links that end in it, when this is dropped.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    fn create(name: String) -> Self {
        run(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        // Addresses that are still being tried would make two looks at the same state differ.
        namespace.sysctl("net/ipv6/conf/default/accept_dad", "0");
        namespace.ip("link set lo up");
        namespace.sysctl("net/ipv4/conf/all/rp_filter", "0");
        namespace.sysctl("net/ipv4/conf/default/rp_filter", "0");
        namespace
    }

    /// Joins two namespaces by a link that is up at both ends.
    fn link(&self, here: &str, other: &Self, there: &str) {
        let name = &other.name;
        self.ip(&format!(
            "link add {here} type veth peer name {there} netns {name}\nlink set {here} up"
        ));
        other.ip(&format!("link set {there} up"));
    }

    /// Lines for `ip -batch`.
    pub(crate) fn ip(&self, lines: &str) {
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("iproute2 is installed");
        let mut stdin = child.stdin.take().expect("it was asked for");
        stdin
            .write_all(lines.as_bytes())
            .expect("ip reads its lines");
        drop(stdin);
        let output = child.wait_with_output().expect("ip ends");
        assert!(
            output.status.success(),
            "{lines}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub(crate) fn sysctl(&self, name: &str, value: &str) {
        self.enter(|| fs::write(Path::new("/proc/sys").join(name), value))
            .expect("root may set its namespaces");
    }

    /// A command that runs in here; its process id is the program's own.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    /// What `/etc/resolv.conf` is for programs that are started in here.
    pub(crate) fn name_servers(&self, text: &str) {
        let folder = Path::new(FILES).join(&self.name);
        fs::create_dir_all(&folder).expect("root may write there");
        fs::write(folder.join("resolv.conf"), text).expect("root may write there");
    }

    /// Does something on a thread that lives in here. Sockets it opens stay in here.
    pub(crate) fn enter<T: Send>(&self, action: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            thread::Builder::new()
                .name(self.name.clone())
                .spawn_scoped(scope, || {
                    let handle = fs::File::open(Path::new("/run/netns").join(&self.name))
                        .expect("the namespace is there while this value is");
                    // `/proc/sys/net` and sockets are the thread's, not the process's.
                    move_into_link_name_space(
                        std::os::fd::AsFd::as_fd(&handle),
                        Some(LinkNameSpaceType::Network),
                    )
                    .expect("root may enter its namespaces");
                    action()
                })
                .expect("a thread can be started")
                .join()
        })
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Has the kernel load connection tracking, whose settings appear with the first rule of NAT.
    pub(crate) fn load_conntrack(&self) {
        let rules = "add table ip first\n\
             add chain ip first post { type nat hook postrouting priority 100; }\n\
             add rule ip first post masquerade\n\
             delete table ip first";
        run(self.command("nft").arg(rules));
    }

    /// Everything a gateway could leave behind, as text that is the same whenever the state is.
    pub(crate) fn host_state(&self) -> String {
        let mut state = String::new();
        for (program, arguments) in [
            ("ip", "-details link"),
            ("ip", "address"),
            ("ip", "-6 rule"),
            ("ip", "rule"),
            ("ip", "route show table all"),
            ("nft", "list ruleset"),
            ("sysctl", "--all --pattern ^net"),
        ] {
            let output = run(self.command(program).args(arguments.split(' ')));
            state.push_str(&format!("== {program} {arguments}\n"));
            state.extend(
                output
                    .lines()
                    .filter(|line| !MOVING.iter().any(|moving| line.contains(moving)))
                    .map(|line| format!("{line}\n")),
            );
        }
        state
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        fs::remove_dir_all(Path::new(FILES).join(&self.name)).ok(); // few have any
        // A panic may be under way: what cannot be removed is swept by the next run.
        let removed = Command::new("ip")
            .args(["netns", "delete", &self.name])
            .status();
        if !removed.is_ok_and(|status| status.success()) {
            say(&format!("{} is left behind", self.name));
        }
    }
}

/// Parts of lines that differ from one moment to the next by themselves.
const MOVING: &[&str] = &["nf_conntrack_count", "valid_lft", "random/", "stat_refresh"];

/// Where `ip netns exec` looks for files of a namespace.
const FILES: &str = "/etc/netns";

const PREFIX: &str = "ghlab-";

fn requirements() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("network namespaces need root".into());
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err("/dev/net/tun is not there".into());
    }
    for program in ["ip", "nft", "openvpn", "ping", "setpriv", "sysctl"] {
        let found = env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join(program).exists());
        if !found {
            return Err(format!("{program} is not installed"));
        }
    }
    Ok(())
}

/// Removes namespaces of runs that were killed.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let owner = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            drop(Namespace { name });
        }
    }
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn say(what: &str) {
    eprintln!("{what}");
}
