//! Shapes of what is said of certificates.

use serde_json::{Map, Value, json};

use super::insert_some;
use crate::model::{CertificateRequest, Notice, NoticeSubject};

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

pub(super) fn certificate_request(it: &CertificateRequest) -> Value {
    let mut shape = Map::new();
    shape.insert("Subject".to_owned(), json!(it.subject));
    insert_some(&mut shape, "CommonName", it.common_name.as_ref());
    shape.insert("KeyAlgorithm".to_owned(), json!(it.key_algorithm));
    shape.insert(
        "SubjectAlternativeNames".to_owned(),
        json!(it.alternative_names),
    );
    shape.insert("LeftOut".to_owned(), json!(it.left_out));
    Value::Object(shape)
}
