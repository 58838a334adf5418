//! The name servers of this machine, as `resolv.conf(5)` has them.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::PORT;

/// Servers beyond these are not asked, as by the system's own resolver (`MAXNS`).
const MAX_SERVERS: usize = 3;
/// What the system's own resolver takes where the file says nothing, and at most.
const TIMEOUT: u64 = 5;
const MAX_TIMEOUT: u64 = 30;
const ATTEMPTS: u32 = 2;
const MAX_ATTEMPTS: u32 = 5;
/// More of the file is not read.
const MAX_FILE: u64 = 64 * 1024;

/// Whom to ask, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Servers {
    pub(super) addresses: Vec<SocketAddr>,
    /// How long one server may take.
    pub(super) timeout: Duration,
    /// How often each is asked.
    pub(super) attempts: u32,
}

impl Servers {
    fn parse(text: &str) -> Self {
        let mut servers = Self {
            addresses: Vec::new(),
            timeout: Duration::from_secs(TIMEOUT),
            attempts: ATTEMPTS,
        };
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => servers.add(words.next()),
                Some("options") => words.for_each(|word| servers.set(word)),
                _ => {}
            }
        }
        servers
    }

    fn add(&mut self, address: Option<&str>) {
        let address = address.and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(|_| self.addresses.len() < MAX_SERVERS) {
            self.addresses.push((address, PORT).into());
        }
    }

    fn set(&mut self, option: &str) {
        match option.split_once(':') {
            Some(("timeout", value)) => {
                if let Ok(seconds) = value.parse::<u64>() {
                    self.timeout = Duration::from_secs(seconds.clamp(1, MAX_TIMEOUT));
                }
            }
            Some(("attempts", value)) => {
                if let Ok(attempts) = value.parse::<u32>() {
                    self.attempts = attempts.clamp(1, MAX_ATTEMPTS);
                }
            }
            _ => {}
        }
    }
}

/// By what a file is told from what it was.
type Stamp = (Option<SystemTime>, u64);

/// The file, read again whenever it has changed.
#[derive(Debug)]
pub(super) struct ServersFile {
    path: PathBuf,
    last: Mutex<Option<(Stamp, Arc<Servers>)>>,
}

impl ServersFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            last: Mutex::default(),
        }
    }

    /// The servers now.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn now(&self) -> io::Result<Arc<Servers>> {
        let about = std::fs::metadata(&self.path)?;
        let stamp = (about.modified().ok(), about.len());
        // The value is whole after any panic.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, servers)) = &*last
            && *read == stamp
        {
            return Ok(Arc::clone(servers));
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?
            .take(MAX_FILE)
            .read_to_end(&mut bytes)?;
        let servers = Arc::new(Servers::parse(&String::from_utf8_lossy(&bytes)));
        *last = Some((stamp, Arc::clone(&servers)));
        Ok(servers)
    }
}

/// The addresses of this machine's name servers; none where they cannot be read.
pub(super) fn addresses() -> Vec<IpAddr> {
    let servers = ServersFile::new(super::RESOLVER_FILE.into()).now();
    servers.map_or_else(
        |_| Vec::new(),
        |servers| servers.addresses.iter().map(SocketAddr::ip).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_options_are_read_as_the_system_reads_them() {
        let servers = Servers::parse(
            "# nameserver 192.0.2.9\nsearch example.com\nnameserver 192.0.2.1\nnameserver nonsense\n\
             nameserver\t2001:db8::1 \noptions timeout:2 attempts:99 rotate timeout:x\n\
             nameserver 127.0.0.53\nnameserver 192.0.2.4\n",
        );
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "127.0.0.53:53"];
        assert_eq!(servers.addresses, expected.map(|it| it.parse().unwrap()));
        assert_eq!(servers.timeout, Duration::from_secs(2));
        assert_eq!(servers.attempts, MAX_ATTEMPTS);
        let nothing = Servers::parse("\0\u{fffd}\noptions\nnameserver");
        assert!(nothing.addresses.is_empty());
        assert_eq!(nothing.timeout, Duration::from_secs(5));
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_missing_one_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("resolv.conf");
        let file = ServersFile::new(path.clone());
        assert!(file.now().is_err());
        std::fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
        let first = file.now().unwrap();
        assert!(Arc::ptr_eq(&first, &file.now().unwrap()));
        std::fs::write(&path, "nameserver 192.0.2.11\n").unwrap();
        assert_eq!(
            file.now().unwrap().addresses,
            ["192.0.2.11:53".parse().unwrap()]
        );
    }
}
