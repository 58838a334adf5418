//! Who is known by name: from the store's client certificates, the directory and what is live.

use std::collections::BTreeMap;

use crate::model::{CertificateUse, Connection, ConnectionState, Group, View};

/// Somebody, by the common name of the certificate.
#[derive(Clone, Debug, Default)]
pub struct Person<'v> {
    /// The groups, by SID.
    pub groups: Vec<&'v Group>,
    /// The live connections, on all endpoints.
    pub live: Vec<&'v Connection>,
}

impl Person<'_> {
    /// The groups' names: `dba-team, staff`.
    #[must_use]
    pub fn group_names(&self) -> String {
        let names: Vec<&str> = self
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        names.join(", ")
    }

    /// `connected, 10.20.1.44`; empty for who is not connected.
    #[must_use]
    pub fn connected(&self) -> String {
        match self.live.as_slice() {
            [] => String::new(),
            [one] => format!("connected, {}", one.client_ip),
            many => format!("{} connections", many.len()),
        }
    }
}

/// Everyone known here, by common name.
#[must_use]
pub fn people(view: &View) -> BTreeMap<&str, Person<'_>> {
    let mut people: BTreeMap<&str, Person<'_>> = BTreeMap::new();
    for certificate in view.snapshot.certificates.values() {
        if certificate.usage == CertificateUse::Client
            && let Some(name) = &certificate.common_name
        {
            people.entry(name).or_default();
        }
    }
    for connection in &view.live.connections {
        if connection.state == ConnectionState::Active {
            let person = people.entry(&connection.common_name).or_default();
            person.live.push(connection);
        }
    }
    for group in view.snapshot.groups.values() {
        for member in &group.members {
            people.entry(member).or_default().groups.push(group);
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn a_member_without_a_certificate_here_is_known_and_who_is_connected_is_said_so() {
        let (mut snapshot, live) = sample::office();
        let connected = live
            .connections
            .iter()
            .find(|c| c.state == ConnectionState::Active)
            .unwrap()
            .clone();
        let sid: crate::model::Sid = "S-1-5-32".parse().unwrap();
        let group = Group {
            sid: sid.clone(),
            name: "dba-team".to_owned(),
            members: ["z.elsewhere".to_owned(), connected.common_name.clone()].into(),
        };
        snapshot.groups.insert(sid, Arc::new(group));
        let view = View {
            snapshot: Arc::new(snapshot),
            live: Arc::new(live),
        };
        let people = people(&view);
        assert_eq!(people["z.elsewhere"].group_names(), "dba-team");
        assert_eq!(people["z.elsewhere"].connected(), "");
        let one = &people[connected.common_name.as_str()];
        assert!(one.live.contains(&&connected));
        assert!(one.connected().contains("connect"));
    }
}
