//! Shapes of lists of revoked certificates, tags, blocks, logs, the role and backups.

use serde_json::{Map, Value, json};

use super::{creation_time, insert_some, list};
use crate::model::{
    ClientBlock, LogEvent, LogGroup, LogStream, RevocationList, ServiceLinkedRole,
    backup::{Backup, Restored},
    command::{PkiImported, TagDescription},
    log::LogEventPage,
    revocation::{ExportedRevocationList, RevocationListPreview},
    role::{ROLE_NAME, ROLE_SERVICE, RoleDeletion},
};

pub(super) fn pki_imported(it: &PkiImported) -> Value {
    json!({
        "Imported": list(&it.imported, |(path, arn)| json!({"Path": path, "CertificateArn": arn})),
        "Skipped": list(&it.skipped, |(path, why)| json!({"Path": path, "Reason": why})),
        "Revoked": it.revoked.len(),
        "RevokedSerials": it.revoked,
    })
}

pub(super) fn revocation_list(it: &RevocationList) -> Value {
    let mut shape = Map::new();
    shape.insert("Issuer".to_owned(), json!(it.issuer));
    insert_some(&mut shape, "IssuedBy", it.issued_by.as_ref());
    shape.insert("ThisUpdate".to_owned(), json!(it.this_update));
    insert_some(&mut shape, "NextUpdate", it.next_update);
    insert_some(&mut shape, "Number", it.number.as_ref());
    shape.insert("Entries".to_owned(), json!(it.entries));
    shape.insert("Fingerprint".to_owned(), json!(it.fingerprint));
    shape.insert("Origin".to_owned(), json!(it.origin));
    shape.insert("ImportedAt".to_owned(), json!(it.imported_at));
    Value::Object(shape)
}

pub(super) fn exported_list(it: &ExportedRevocationList) -> Value {
    json!({
        "CertificateRevocationList": it.pem,
        "Status": {"Code": it.state},
    })
}

pub(super) fn list_preview(it: &RevocationListPreview) -> Value {
    let certificates = list(&it.certificates, |(name, arn, revocation)| {
        json!({
            "CommonName": name,
            "CertificateArn": arn,
            "RevokedAt": revocation.at,
            "Reason": revocation.reason,
        })
    });
    let connections = list(
        &it.connections,
        |(name, id)| json!({"CommonName": name, "ConnectionId": id}),
    );
    let mut shape = Map::new();
    shape.insert("RevocationList".to_owned(), revocation_list(&it.list));
    shape.insert("Certificates".to_owned(), certificates);
    shape.insert("Connections".to_owned(), connections);
    shape.insert("Added".to_owned(), json!(it.added));
    shape.insert("Removed".to_owned(), json!(it.removed));
    insert_some(&mut shape, "Older", it.older.as_ref());
    Value::Object(shape)
}

pub(super) fn tag(it: &TagDescription) -> Value {
    json!({
        "Key": it.key,
        "ResourceId": it.resource_id,
        "ResourceType": it.resource_type,
        "Value": it.value,
    })
}

pub(super) fn client_block(it: &ClientBlock) -> Value {
    json!({
        "ClientVpnEndpointId": it.endpoint_id,
        "CommonName": it.common_name,
        "BlockedUntil": it.until,
    })
}

pub(super) fn log_group(it: &LogGroup) -> Value {
    let mut shape = Map::new();
    shape.insert("logGroupName".to_owned(), json!(it.name));
    let created = json!(it.created_at.as_millisecond());
    shape.insert("creationTime".to_owned(), created);
    insert_some(&mut shape, "retentionInDays", it.retention_days);
    shape.insert("storedBytes".to_owned(), json!(it.stored_bytes));
    Value::Object(shape)
}

pub(super) fn log_stream(it: &LogStream) -> Value {
    let mut shape = Map::new();
    shape.insert("logStreamName".to_owned(), json!(it.name));
    let created = json!(it.created_at.as_millisecond());
    shape.insert("creationTime".to_owned(), created);
    let first = it.first_event_at.map(jiff::Timestamp::as_millisecond);
    insert_some(&mut shape, "firstEventTimestamp", first);
    let last = it.last_event_at.map(jiff::Timestamp::as_millisecond);
    insert_some(&mut shape, "lastEventTimestamp", last);
    Value::Object(shape)
}

/// Events as `get-log-events` answers them: `filter-log-events` has other names for the tokens, see
/// [`filtered_events`].
pub(super) fn log_events(it: &LogEventPage) -> Value {
    let mut shape = Map::new();
    shape.insert("events".to_owned(), list(&it.events, log_event));
    let (forward, backward) = (&it.next_forward_token, &it.next_backward_token);
    insert_some(&mut shape, "nextForwardToken", forward.as_ref());
    insert_some(&mut shape, "nextBackwardToken", backward.as_ref());
    Value::Object(shape)
}

fn log_event(it: &LogEvent) -> Value {
    json!({
        "timestamp": it.at.as_millisecond(),
        "message": it.message,
        "ingestionTime": it.ingested_at.as_millisecond(),
    })
}

/// Events as `filter-log-events` answers them.
pub(super) fn filtered_events(it: &LogEventPage) -> Value {
    let event = |it: &LogEvent| {
        json!({
            "logStreamName": it.stream,
            "timestamp": it.at.as_millisecond(),
            "message": it.message,
            "ingestionTime": it.ingested_at.as_millisecond(),
            "eventId": it.seq.to_string(),
        })
    };
    let mut shape = Map::new();
    shape.insert("events".to_owned(), list(&it.events, event));
    shape.insert("searchedLogStreams".to_owned(), json!([]));
    let next = &it.next_forward_token;
    insert_some(&mut shape, "nextToken", next.as_ref());
    Value::Object(shape)
}

pub(super) fn role(it: &ServiceLinkedRole) -> Value {
    json!({"Role": {
        "Path": format!("/aws-service-role/{ROLE_SERVICE}/"),
        "RoleName": ROLE_NAME,
        "Arn": it.arn,
        "CreateDate": creation_time(it.created_at),
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": ROLE_SERVICE},
                "Action": "sts:AssumeRole",
            }],
        },
        "Actions": it.actions,
    }})
}

/// What became of a deletion, as one who asks after it is told.
pub(super) fn role_deletion(it: &RoleDeletion) -> Value {
    let mut shape = Map::new();
    if it.used_by.is_empty() {
        shape.insert("Status".to_owned(), json!("SUCCEEDED"));
    } else {
        shape.insert("Status".to_owned(), json!("FAILED"));
        let usage = json!({
            "Reason": "Delete these Client VPN endpoints first",
            "RoleUsageList": [{"Resources": it.used_by}],
        });
        shape.insert("Reason".to_owned(), usage);
    }
    Value::Object(shape)
}

/// What is said of a backup; the file itself goes to a file.
pub(super) fn backup(it: &Backup) -> Value {
    json!({"FileName": it.file_name, "Bytes": it.content.expose().len()})
}

pub(super) fn restored(it: &Restored) -> Value {
    json!({
        "MadeAt": it.made_at,
        "ConfigurationNumber": it.seq,
        "ClientVpnEndpoints": it.endpoints,
        "Certificates": it.certificates,
        "EndingConnections": it.ending_connections,
        "ReadmittedCertificates": it.readmitted_certificates,
        "Overlaps": it.overlaps,
    })
}
