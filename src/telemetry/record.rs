//! The events of a connection log, as AWS has them.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::advice;
use crate::model::{
    Attempt, Connection, EndpointId, Traffic, Transport,
    log::{ConnectionRecord, EndReason},
};

/// A client has come in.
#[must_use]
pub fn admitted(connection: &Connection, transport: Transport, at: Timestamp) -> ConnectionRecord {
    let device = connection.device.ip().to_canonical();
    let explanation = format!(
        "{} came in from {device} and has the address {}.",
        connection.common_name, connection.client_ip
    );
    ConnectionRecord {
        connection_log_type: ATTEMPT.to_owned(),
        connection_attempt_status: "successful".to_owned(),
        connection_duration_seconds: "0".to_owned(),
        explanation,
        next_step: advice::NOTHING.to_owned(),
        ..of_connection(connection, transport, at)
    }
}

/// A client was not let in.
#[must_use]
pub fn failed(attempt: &Attempt, transport: Transport, at: Timestamp) -> ConnectionRecord {
    ConnectionRecord {
        connection_log_type: ATTEMPT.to_owned(),
        connection_attempt_status: "failed".to_owned(),
        connection_attempt_failure_reason: attempt.failure.as_str().to_owned(),
        connection_id: known(attempt.id.as_ref().map_or("", |id| id.as_str())),
        common_name: known(attempt.common_name.as_deref().unwrap_or_default()),
        device_type: known(&attempt.platform),
        client_version: known(&attempt.client_version),
        connection_duration_seconds: "0".to_owned(),
        explanation: attempt.reason.clone(),
        next_step: advice::after_failure(attempt.failure).to_owned(),
        ..blank(&attempt.endpoint_id, transport, attempt.device, at)
    }
}

/// A connection has ended.
#[must_use]
pub fn ended(
    connection: &Connection,
    reason: EndReason,
    transport: Transport,
    at: Timestamp,
) -> ConnectionRecord {
    let end = connection.ended_at.unwrap_or(connection.counted_at);
    let lasted = end.duration_since(connection.established_at).as_secs();
    ConnectionRecord {
        connection_end_time: time(end),
        connection_duration_seconds: lasted.max(0).to_string(),
        connection_end_reason: reason.as_str().to_owned(),
        explanation: connection.end_reason.clone().unwrap_or_default(),
        next_step: advice::after_end(reason).to_owned(),
        ..of_connection(connection, transport, at)
    }
}

/// Keys were not renewed; the connection goes on with those that it has.
#[must_use]
pub fn rekey_failed(
    connection: &Connection,
    reason: &str,
    transport: Transport,
    at: Timestamp,
) -> ConnectionRecord {
    ConnectionRecord {
        explanation: format!(
            "The keys were not renewed: {}. The connection goes on with those that it has until they expire.",
            reason.trim_end_matches('.')
        ),
        next_step: advice::AFTER_FAILED_REKEY.to_owned(),
        ..of_connection(connection, transport, at)
    }
}

/// Of a session that stands or stood: a reset of which only what happened is missing.
fn of_connection(connection: &Connection, transport: Transport, at: Timestamp) -> ConnectionRecord {
    let Traffic {
        ingress_bytes,
        egress_bytes,
        ingress_packets,
        egress_packets,
    } = connection.traffic;
    ConnectionRecord {
        connection_id: connection.id.to_string(),
        connection_start_time: time(connection.established_at),
        client_ip: connection.client_ip.to_string(),
        common_name: known(&connection.common_name),
        device_type: known(&connection.platform),
        client_version: known(&connection.client_version),
        ingress_bytes: ingress_bytes.to_string(),
        egress_bytes: egress_bytes.to_string(),
        ingress_packets: ingress_packets.to_string(),
        egress_packets: egress_packets.to_string(),
        ..blank(&connection.endpoint_id, transport, connection.device, at)
    }
}

/// A reset of which nothing is known but where it came from.
fn blank(
    endpoint: &EndpointId,
    transport: Transport,
    device: SocketAddr,
    at: Timestamp,
) -> ConnectionRecord {
    let unknown = || UNKNOWN.to_owned();
    let zero = || "0".to_owned();
    ConnectionRecord {
        connection_log_type: RESET.to_owned(),
        connection_attempt_status: unknown(),
        connection_reset_status: unknown(),
        connection_attempt_failure_reason: unknown(),
        connection_id: unknown(),
        client_vpn_endpoint_id: endpoint.to_string(),
        transport_protocol: transport.to_string(),
        connection_start_time: unknown(),
        connection_last_update_time: time(at),
        client_ip: unknown(),
        common_name: unknown(),
        device_type: unknown(),
        device_ip: device.ip().to_canonical().to_string(),
        port: device.port().to_string(),
        ingress_bytes: zero(),
        egress_bytes: zero(),
        ingress_packets: zero(),
        egress_packets: zero(),
        connection_end_time: unknown(),
        connection_duration_seconds: unknown(),
        username: unknown(),
        client_version: unknown(),
        connection_end_reason: unknown(),
        explanation: String::new(),
        next_step: String::new(),
    }
}

fn known(text: &str) -> String {
    if text.is_empty() { UNKNOWN } else { text }.to_owned()
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

const ATTEMPT: &str = "connection-attempt";
const RESET: &str = "connection-reset";
const UNKNOWN: &str = "NA";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssociationId, ConnectionId, ConnectionState, log::FailureReason};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn connection() -> Connection {
        Connection {
            id: ConnectionId::from_random([1; 9]),
            endpoint_id: EndpointId::from_random([2; 9]),
            association_id: AssociationId::from_random([3; 9]),
            common_name: "ana".to_owned(),
            certificates: Vec::new(),
            client_ip: "10.8.0.2".parse().unwrap(),
            device: "198.51.100.7:51820".parse().unwrap(),
            client_version: "2.6.14".to_owned(),
            platform: "linux".to_owned(),
            cipher: "AES-256-GCM".to_owned(),
            state: ConnectionState::Active,
            established_at: at("2026-03-26T20:37:15Z"),
            ended_at: None,
            end_reason: None,
            reconnect: None,
            traffic: Traffic {
                ingress_bytes: 1,
                egress_bytes: 2,
                ingress_packets: 3,
                egress_packets: 4,
            },
            counted_at: at("2026-03-26T20:37:15Z"),
        }
    }

    #[test]
    fn a_success_reads_as_aws_writes_it() {
        let record = admitted(&connection(), Transport::Udp, at("2026-03-26T20:37:16Z"));
        let text = serde_json::to_string(&record).unwrap();
        let expected = concat!(
            r#"{"connection-log-type":"connection-attempt","#,
            r#""connection-attempt-status":"successful","connection-reset-status":"NA","#,
            r#""connection-attempt-failure-reason":"NA","#,
            r#""connection-id":"cvpn-connection-01010101010101010","#,
            r#""client-vpn-endpoint-id":"cvpn-endpoint-02020202020202020","#,
            r#""transport-protocol":"udp","connection-start-time":"2026-03-26 20:37:15","#,
            r#""connection-last-update-time":"2026-03-26 20:37:16","client-ip":"10.8.0.2","#,
            r#""common-name":"ana","device-type":"linux","device-ip":"198.51.100.7","#,
            r#""port":"51820","ingress-bytes":"1","egress-bytes":"2","ingress-packets":"3","#,
            r#""egress-packets":"4","connection-end-time":"NA","#,
            r#""connection-duration-seconds":"0","username":"NA","client-version":"2.6.14","#,
            r#""connection-end-reason":"NA","#,
            r#""explanation":"ana came in from 198.51.100.7 and has the address 10.8.0.2.","#,
            r#""next-step":"Nothing needs to be done."}"#,
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_fields_are_those_of_the_event_in_its_order() {
        let record = admitted(&connection(), Transport::Tcp, at("2026-03-26T20:37:16Z"));
        let text = serde_json::to_string(&record).unwrap();
        let listed = record
            .fields()
            .map(|(name, value)| format!("{name:?}:{value:?}"));
        assert_eq!(text, format!("{{{}}}", listed.join(",")));
        assert_eq!(
            serde_json::from_str::<ConnectionRecord>(&text).unwrap(),
            record
        );
    }

    #[test]
    fn a_failure_has_its_reason_and_no_start() {
        let attempt = Attempt {
            id: Some(ConnectionId::from_random([4; 9])),
            endpoint_id: EndpointId::from_random([2; 9]),
            at: at("2026-03-26T20:37:15Z"),
            device: "[::ffff:198.51.100.7]:4000".parse().unwrap(),
            common_name: None,
            client_version: String::new(),
            platform: String::new(),
            failure: FailureReason::CertificateUntrusted,
            reason: "The client's certificate is not signed by the endpoint's CA.".to_owned(),
        };
        let record = failed(&attempt, Transport::Udp, attempt.at);
        assert_eq!(record.connection_attempt_status, "failed");
        assert_eq!(
            record.connection_attempt_failure_reason,
            "certificate-untrusted"
        );
        assert_eq!(record.device_ip, "198.51.100.7");
        assert_eq!(record.connection_start_time, "NA");
        assert_eq!(record.common_name, "NA");
        assert!(record.next_step.starts_with("Compare the authority"));
        assert_eq!(record.explanation, attempt.reason);
    }

    #[test]
    fn an_end_has_its_duration_and_a_failed_renewal_none() {
        let mut connection = connection();
        let now = at("2026-03-26T21:00:00Z");
        let renewal = rekey_failed(&connection, "It took too long.", Transport::Udp, now);
        assert_eq!(renewal.connection_log_type, "connection-reset");
        assert_eq!(renewal.connection_end_time, "NA");
        assert!(
            renewal
                .explanation
                .contains("not renewed: It took too long. The")
        );

        connection.ended_at = Some(at("2026-03-26T20:38:45Z"));
        connection.end_reason = Some("The client left.".to_owned());
        let record = ended(&connection, EndReason::ClientLeft, Transport::Udp, now);
        assert_eq!(record.connection_attempt_status, "NA");
        assert_eq!(record.connection_end_time, "2026-03-26 20:38:45");
        assert_eq!(record.connection_duration_seconds, "90");
        assert_eq!(record.connection_end_reason, "client-left");
        assert_eq!(record.explanation, "The client left.");

        // A clock that was set back makes no negative time.
        connection.ended_at = Some(at("2026-03-26T20:00:00Z"));
        let record = ended(&connection, EndReason::ClientLeft, Transport::Udp, now);
        assert_eq!(record.connection_duration_seconds, "0");
    }
}
