//! Who is known by name: from the store's client certificates, the directory and what is live.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use crate::model::{CertificateUse, Connection, ConnectionState, Group, View};

/// Somebody, by the common name of the certificate.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The groups, by SID.
    pub groups: Vec<Arc<Group>>,
    /// The places of the live connections, on all endpoints, among those of the view.
    live: Vec<usize>,
}

impl Person {
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

    /// The live connections, in the view that they were read from.
    pub fn live<'v>(&self, view: &'v View) -> impl Iterator<Item = &'v Connection> {
        self.live
            .iter()
            .filter_map(|place| view.live.connections.get(*place))
    }
}

/// Everyone known, by common name.
pub type People = BTreeMap<String, Person>;

/// Everyone known, read anew only where somebody may have come or gone: thousands may be connected,
/// and a view in which nothing but counters moved comes each second.
#[derive(Debug, Default)]
pub struct Everyone {
    read: RefCell<Option<(Arc<View>, Rc<People>)>>,
}

impl Everyone {
    /// Who is known in a view.
    #[must_use]
    pub fn of(&self, view: &Arc<View>) -> Rc<People> {
        let mut read = self.read.borrow_mut();
        let people = match read.take() {
            Some((of, people)) if has_same(&of, view) => people,
            _ => Rc::new(people(view)),
        };
        *read = Some((Arc::clone(view), Rc::clone(&people)));
        people
    }
}

/// Whether two views know the same people at the same places.
fn has_same(view: &Arc<View>, other: &Arc<View>) -> bool {
    let alike = |(a, b): (&Connection, &Connection)| a.state == b.state && a.id == b.id;
    let (live, other_live) = (&view.live.connections, &other.live.connections);
    Arc::ptr_eq(view, other)
        || Arc::ptr_eq(&view.snapshot, &other.snapshot)
            && live.len() == other_live.len()
            && live.iter().zip(other_live).all(alike)
}

fn people(view: &View) -> People {
    let mut people = People::new();
    for certificate in view.snapshot.certificates.values() {
        if certificate.usage == CertificateUse::Client
            && let Some(name) = &certificate.common_name
        {
            person(&mut people, name);
        }
    }
    for (place, connection) in view.live.connections.iter().enumerate() {
        if connection.state == ConnectionState::Active {
            person(&mut people, &connection.common_name)
                .live
                .push(place);
        }
    }
    for group in view.snapshot.groups.values() {
        for member in &group.members {
            person(&mut people, member).groups.push(Arc::clone(group));
        }
    }
    people
}

fn person<'p>(people: &'p mut People, name: &str) -> &'p mut Person {
    people.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
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
        let view = Arc::new(View {
            snapshot: Arc::new(snapshot),
            live: Arc::new(live),
        });
        let everyone = Everyone::default();
        let people = everyone.of(&view);
        assert!(Rc::ptr_eq(&people, &everyone.of(&view)), "read once");
        assert_eq!(people["z.elsewhere"].group_names(), "dba-team");
        assert_eq!(people["z.elsewhere"].live(&view).count(), 0);
        let one = &people[connected.common_name.as_str()];
        assert!(one.live(&view).any(|it| *it == connected));
        let mut counted = View::clone(&view);
        let traffic = &mut Arc::make_mut(&mut counted.live).connections[0].traffic;
        traffic.ingress_bytes += 1;
        let counted = Arc::new(counted);
        assert!(Rc::ptr_eq(&people, &everyone.of(&counted)), "nobody came");
        let mut left = View::clone(&counted);
        drop(Arc::make_mut(&mut left.live).connections.remove(0));
        assert!(!Rc::ptr_eq(&people, &everyone.of(&Arc::new(left))));
    }
}
