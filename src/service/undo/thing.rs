//! What an event changed, thing by thing.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{
    FieldChange,
    command::{
        GatewayAttachment, Membership, RouteTableAssociation, VpcCidrBlock, VpnConnectionRoute,
    },
};

/// What changed of one thing.
pub(super) struct Thing<'e> {
    pub(super) kind: &'e str,
    pub(super) name: &'e str,
    pub(super) fields: BTreeMap<&'e str, &'e FieldChange>,
}

pub(super) fn things(changes: &[FieldChange]) -> Vec<Thing<'_>> {
    let mut things: Vec<Thing<'_>> = Vec::new();
    for change in changes {
        let (kind, name) = (change.resource_type.as_str(), change.resource.as_str());
        let same = |it: &&mut Thing<'_>| it.kind == kind && it.name == name;
        match things.last_mut().filter(same) {
            Some(thing) => drop(thing.fields.insert(&change.field, change)),
            None => things.push(Thing {
                kind,
                name,
                fields: BTreeMap::from([(change.field.as_str(), change)]),
            }),
        }
    }
    things
}

impl<'e> Thing<'e> {
    pub(super) fn before<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        read(self.fields.get(field)?.before.as_ref())
    }

    pub(super) fn after<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        read(self.fields.get(field)?.after.as_ref())
    }

    /// What a text was; empty where it changed and was not there, none where it did not change.
    pub(super) fn text_before(&self, field: &str) -> Option<String> {
        let change = self.fields.get(field)?;
        Some(read(change.before.as_ref()).unwrap_or_default())
    }

    /// What came to a list.
    pub(super) fn added(&self, list: &'static str) -> impl Iterator<Item = &'e str> + '_ {
        self.changed(list)
            .filter(|(_, it)| it.before.is_none())
            .map(|(name, _)| name)
    }

    /// What went from a list.
    pub(super) fn removed(&self, list: &'static str) -> impl Iterator<Item = &'e str> + '_ {
        self.changed(list)
            .filter(|(_, it)| it.after.is_none())
            .map(|(name, _)| name)
    }

    pub(super) fn changed(
        &self,
        list: &'static str,
    ) -> impl Iterator<Item = (&'e str, &'e FieldChange)> + '_ {
        let fields = self.fields.iter();
        fields.filter_map(move |(field, change)| Some((field.strip_prefix(list)?, *change)))
    }

    /// A list as it was, `now` being what it is.
    pub(super) fn list_before<T: ToString>(
        &self,
        list: &'static str,
        now: &BTreeSet<T>,
    ) -> Vec<String> {
        let mut all: BTreeSet<String> = now.iter().map(ToString::to_string).collect();
        for added in self.added(list) {
            all.remove(added);
        }
        all.extend(self.removed(list).map(str::to_owned));
        all.into_iter().collect()
    }

    pub(super) fn block(&self, cidr: &str) -> VpcCidrBlock {
        VpcCidrBlock {
            vpc_id: self.name.to_owned(),
            cidr_block: cidr.to_owned(),
        }
    }

    pub(super) fn attachment(&self, vpc_id: String) -> GatewayAttachment {
        GatewayAttachment {
            internet_gateway_id: self.name.to_owned(),
            vpc_id,
        }
    }

    pub(super) fn vpn_route(&self, cidr: &str) -> VpnConnectionRoute {
        VpnConnectionRoute {
            vpn_connection_id: self.name.to_owned(),
            destination_cidr_block: cidr.to_owned(),
        }
    }

    pub(super) fn table(&self, subnet: &str) -> RouteTableAssociation {
        RouteTableAssociation {
            route_table_id: self.name.to_owned(),
            subnet_id: subnet.to_owned(),
        }
    }

    pub(super) fn membership(&self, common_name: &str) -> Membership {
        Membership {
            sid: self.name.to_owned(),
            common_name: common_name.to_owned(),
        }
    }
}

/// What came to a list of a thing, each with the thing.
pub(super) fn added<'t, 'e: 't>(
    list: &'static str,
) -> impl Fn(&'t Thing<'e>) -> Vec<(&'t Thing<'e>, &'e str)> {
    move |it| it.added(list).map(|element| (it, element)).collect()
}

/// What went from a list of a thing, each with the thing.
pub(super) fn removed<'t, 'e: 't>(
    list: &'static str,
) -> impl Fn(&'t Thing<'e>) -> Vec<(&'t Thing<'e>, &'e str)> {
    move |it| it.removed(list).map(|element| (it, element)).collect()
}

pub(super) fn read<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
    serde_json::from_value(value?.clone()).ok()
}
