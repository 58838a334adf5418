//! The built-in directory: groups, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    change::Change,
    fields::{self, invalid, listed, needed},
};
use crate::model::{
    Access, Answer, CertificateUse, Code, ConnectionState, Group, Refusal, RuleState, Sid,
    Snapshot, User, View,
    command::{CreateGroup, GroupName, Membership},
    directory::EXAMPLE_SID,
};

impl Change<'_, '_> {
    pub(super) fn create_group(&mut self, command: &CreateGroup) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let name = one_line(NAME, &command.name, "Engineering", MAX_NAME)?;
        if let Some(other) = snapshot.groups.values().find(|group| group.name == name) {
            return Err(invalid(
                NAME,
                format!(
                    "The group {} is called \"{name}\" already; choose another name",
                    other.sid
                ),
            ));
        }
        let sid = match given(command.sid.as_deref()) {
            Some(text) => text
                .parse::<Sid>()
                .map_err(|refusal| refusal.at(SID).cure(EXAMPLE_SID))?,
            None => Sid::from_random(fields::random()?),
        };
        if let Some(other) = snapshot.groups.get(&sid) {
            return Err(invalid(
                SID,
                format!(
                    "{sid} is the group \"{}\" already; leave it out to have one made",
                    other.name
                ),
            ));
        }
        if snapshot.groups.len() >= MAX_GROUPS {
            return Err(Refusal::new(
                Code::Validation,
                format!(
                    "The directory has {MAX_GROUPS} groups, as many as it may have; delete one first"
                ),
            ));
        }
        self.concerns(&sid);
        let group = Group {
            sid,
            name,
            members: BTreeSet::new(),
        };
        self.tx.insert_group(&group)?;
        Ok(Answer::Group(group))
    }

    pub(super) fn delete_group(&mut self, command: &GroupName) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, SID, &command.sid)?;
        self.concerns(&group.sid);
        let names = |rule: &&_| names_group(rule, &group.sid);
        let (going, staying): (Vec<_>, Vec<_>) = snapshot
            .rules
            .iter()
            .filter(names)
            .partition(|rule| rule.state == RuleState::Revoking);
        if !staying.is_empty() {
            let rules = staying
                .iter()
                .map(|rule| format!("{} of {}", rule.destination, rule.endpoint_id));
            return Err(Refusal::new(
                Code::DependencyViolation,
                format!(
                    "The group \"{}\" is named by the rules for {}; revoke them first",
                    group.name,
                    listed(rules)
                ),
            )
            .at(SID));
        }
        // A rule that is going grants nothing any more, so nothing waits for it to be gone.
        for rule in going {
            self.tx.delete_rule(rule)?;
        }
        self.tx.delete_group(&group.sid)?;
        Ok(Answer::Done)
    }

    pub(super) fn add_user_to_group(&mut self, command: &Membership) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, SID, &command.sid)?;
        let user = one_line(COMMON_NAME, &command.common_name, "alice", MAX_NAME)?;
        self.concerns(&group.sid);
        if group.members.contains(&user) {
            return Err(invalid(
                COMMON_NAME,
                format!("{user} is in the group \"{}\" already", group.name),
            ));
        }
        if group.members.len() >= MAX_MEMBERS {
            return Err(Refusal::new(
                Code::Validation,
                format!("The group has {MAX_MEMBERS} members, as many as it may have"),
            ));
        }
        self.tx.insert_member(&group.sid, &user)?;
        let mut group = group.clone();
        group.members.insert(user);
        Ok(Answer::Group(group))
    }

    pub(super) fn remove_user_from_group(
        &mut self,
        command: &Membership,
    ) -> Result<Answer, Refusal> {
        let snapshot = self.snapshot.clone();
        let group = group(&snapshot, SID, &command.sid)?;
        let user = one_line(COMMON_NAME, &command.common_name, "alice", MAX_NAME)?;
        self.concerns(&group.sid);
        if !group.members.contains(&user) {
            let mut refusal = invalid(
                COMMON_NAME,
                match group.members.len() {
                    0 => format!(
                        "{user} is not in the group \"{}\", which is empty",
                        group.name
                    ),
                    _ => format!(
                        "{user} is not in the group \"{}\"; it has {}",
                        group.name,
                        listed(&group.members)
                    ),
                },
            );
            refusal.cure = group.members.first().cloned();
            return Err(refusal);
        }
        self.tx.delete_member(&group.sid, &user)?;
        let mut group = group.clone();
        group.members.remove(&user);
        Ok(Answer::Group(group))
    }
}

pub(super) fn describe_groups(snapshot: &Snapshot) -> Answer {
    let groups = snapshot.groups.values();
    Answer::Groups(groups.map(|group| Group::clone(group)).collect())
}

/// Everyone whose name is known: members of groups, those with a client certificate of the store,
/// and those who are connected.
pub(super) fn describe_users(view: &View) -> Answer {
    let mut users: BTreeMap<&str, Vec<Sid>> = BTreeMap::new();
    for certificate in view.snapshot.certificates.values() {
        if certificate.usage == CertificateUse::Client
            && let Some(name) = &certificate.common_name
        {
            users.entry(name).or_default();
        }
    }
    for connection in &view.live.connections {
        if connection.state != ConnectionState::Terminated {
            users.entry(&connection.common_name).or_default();
        }
    }
    for group in view.snapshot.groups.values() {
        for member in &group.members {
            users.entry(member).or_default().push(group.sid.clone());
        }
    }
    let user = |(name, groups): (&str, _)| User {
        common_name: name.to_owned(),
        groups,
    };
    Answer::Users(users.into_iter().map(user).collect())
}

/// The group that the field names.
///
/// # Errors
/// `InvalidParameterValue` with the groups that there are.
pub(super) fn group<'s>(
    snapshot: &'s Snapshot,
    field: &str,
    text: &str,
) -> Result<&'s Group, Refusal> {
    let text = needed(field, text, EXAMPLE_SID)?;
    let found = snapshot
        .groups
        .values()
        .find(|group| group.sid.as_str() == text);
    if let Some(group) = found {
        return Ok(group);
    }
    let known = snapshot.groups.values();
    let known: Vec<_> = known
        .map(|group| format!("{} ({})", group.sid, group.name))
        .collect();
    let hint = if known.is_empty() {
        "it has none yet; create one first".to_owned()
    } else {
        format!("it has {}", listed(known))
    };
    let mut refusal = invalid(
        field,
        format!("The directory has no group with the SID {text}; {hint}"),
    );
    refusal.cure = snapshot.groups.keys().next().map(ToString::to_string);
    Err(refusal)
}

fn names_group(rule: &crate::model::AuthorizationRule, sid: &Sid) -> bool {
    matches!(&rule.access, Access::Group(named) if named == sid)
}

/// An optional field that says something.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A name that must be given: one line, not longer than `most` characters.
fn one_line(field: &str, text: &str, example: &str, most: usize) -> Result<String, Refusal> {
    let text = needed(field, text, example)?;
    let length = text.chars().count();
    if length > most {
        return Err(invalid(
            field,
            format!("{field} has at most {most} characters; this one has {length}"),
        )
        .cure(example));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(
            field,
            format!("{field} is one line without control characters"),
        )
        .cure(example));
    }
    Ok(text.to_owned())
}

const NAME: &str = "Name";
const SID: &str = "Sid";
const COMMON_NAME: &str = "CommonName";
/// As long as the name of a group in Active Directory; a common name of a certificate that the
/// gateway lets in is no longer either.
const MAX_NAME: usize = 256;
const MAX_GROUPS: usize = 1_000;
const MAX_MEMBERS: usize = 10_000;
