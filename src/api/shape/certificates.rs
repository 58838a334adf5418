//! Shapes of what is said of certificates.

use serde_json::{Map, Value, json};

use super::insert_some;
use crate::model::{Notice, NoticeSubject};

pub(super) fn notice(it: &Notice) -> Value {
    let mut shape = Map::new();
    shape.insert("Severity".to_owned(), json!(it.severity));
    shape.insert("Message".to_owned(), json!(it.sentence));
    shape.insert("Cure".to_owned(), json!(it.cure_sentence()));
    shape.insert("EndsAt".to_owned(), json!(it.ends_at));
    let (certificate, endpoint) = match &it.about {
        NoticeSubject::Certificate(arn) => (Some(arn), None),
        NoticeSubject::AuthorityList(arn) => (Some(arn), None),
        NoticeSubject::EndpointList(id) => (None, Some(id)),
    };
    insert_some(&mut shape, "CertificateArn", certificate);
    insert_some(&mut shape, "RevocationListOf", endpoint);
    shape.insert("ClientVpnEndpointIds".to_owned(), json!(it.endpoints));
    Value::Object(shape)
}
