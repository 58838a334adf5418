//! Who asks.

use std::fs;

use serde::{Deserialize, Serialize};

/// The face through which a command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Face {
    /// The command line.
    Cli,
    /// The window.
    Window,
    /// The gateway itself.
    Gateway,
}

impl Face {
    /// The word for it in the event record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Window => "window",
            Self::Gateway => "gateway",
        }
    }
}

/// Who asks, and through which face. Whoever the operating system lets reach the control socket,
/// or the data directory, is an administrator of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's number, as the kernel vouches for it.
    pub uid: u32,
    /// The user's name, or else `uid N`.
    pub name: String,
    /// The face.
    pub face: Face,
}

impl Caller {
    /// The local user `uid`, named as the system's user list names them.
    #[must_use]
    pub fn of_uid(uid: u32, face: Face) -> Self {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self {
            uid,
            name: user_name(&users, uid).unwrap_or_else(|| format!("uid {uid}")),
            face,
        }
    }

    /// The user that this process runs as.
    #[must_use]
    pub fn myself(face: Face) -> Self {
        Self::of_uid(rustix::process::getuid().as_raw(), face)
    }
}

/// The name of a user in the form of passwd(5): `name:password:uid:…`.
fn user_name(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0::/root:/bin/sh\n\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(user_name(users, 1000).as_deref(), Some("anna"));
        assert_eq!(user_name(users, 7), None);
    }

    #[test]
    fn a_user_without_a_name_is_called_by_number() {
        assert_eq!(
            Caller::of_uid(4_000_000_001, Face::Cli).name,
            "uid 4000000001"
        );
    }
}
