//! Test connections against a gateway that runs on loopback, in user space.

use super::*;
use crate::{
    model::{
        Code, ConnectionTest,
        command::{Bytes, ImportCertificate},
        diagnosis::TestConnection,
    },
    tunnel::{ModeChoice, Options, Tunnel},
};

/// A service whose gateway really runs, with one endpoint that listens.
struct Running {
    bench: Bench,
    tunnel: Arc<Tunnel>,
    endpoint: EndpointId,
    _state: TempDir,
}

impl Running {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let certificates = bench.certificates().await;
        Self::with(bench, &certificates.server, &certificates.ca).await
    }

    async fn with(bench: Bench, server: &CertificateArn, ca: &CertificateArn) -> Self {
        let certificates = Certificates {
            ca: ca.clone(),
            server: server.clone(),
            client: server.clone(),
        };
        let mut create = create_endpoint(&certificates);
        create.vpn_port = Some(free_port());
        create.split_tunnel = true;
        let endpoint = bench.endpoint_with(&create).await;
        let vpc = bench.vpc("10.1.0.0/16").await;
        let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
        bench.associate(&endpoint, &subnet.id).await;
        let state = TempDir::new().unwrap();
        let options = Options {
            network: ModeChoice::Userspace,
            workers: Some(1),
            ..Options::new(state.path())
        };
        let service = Arc::new(bench.service.clone());
        let tunnel = Arc::new(Tunnel::start(service, options).await.unwrap());
        bench.service.attach(Arc::clone(&tunnel) as Arc<_>);
        let mut views = bench.service.views();
        let listens = views.wait_for(|view| view.is_settled()).await;
        assert!(listens.is_ok());
        Self {
            bench,
            tunnel,
            endpoint,
            _state: state,
        }
    }

    fn asked(&self, user: &str) -> TestConnection {
        TestConnection {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            user: user.to_owned(),
            ..TestConnection::default()
        }
    }

    async fn tested(&self, asked: TestConnection) -> ConnectionTest {
        match self.bench.ok(Command::TestConnection(asked)).await {
            Answer::ConnectionTest(test) => test,
            other => panic!("{other:?}"),
        }
    }

    async fn stop(self) {
        self.tunnel.stop().await.unwrap();
        self.bench.service.detach();
    }
}

fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn steps(test: &ConnectionTest) -> Vec<(&str, bool)> {
    test.steps
        .iter()
        .map(|step| (step.name.as_str(), step.passed))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_store_and_one_without_a_certificate_come_in() {
    let running = Running::new().await;
    let before = running.bench.service.snapshot();
    for (user, how) in [
        ("client1", "certificate of the store"),
        ("bob", "kept nowhere"),
    ] {
        let test = running.tested(running.asked(user)).await;
        assert!(test.passed, "{test:#?}");
        let expected = [
            ("certificate", true),
            ("handshake", true),
            ("options", true),
        ];
        assert_eq!(steps(&test), expected);
        assert!(test.steps[0].sentence.contains(how), "{test:#?}");
        let handshake = &test.steps[1].details;
        assert!(handshake[0].starts_with("TLS TLSv1.3"), "{handshake:?}");
        assert_eq!(handshake[1], "cipher AES-256-GCM");
        let options = &test.steps[2].details;
        assert!(
            options.contains(&"route 10.1.0.0/16".to_owned()),
            "{options:?}"
        );
    }
    let after = running.bench.service.snapshot();
    assert_eq!(
        after.certificates, before.certificates,
        "a certificate was kept"
    );
    let events = running.bench.events().await;
    let event = events
        .iter()
        .find(|event| event.action == "TestConnection")
        .unwrap();
    assert_eq!(event.caller, "anna");
    assert_eq!(event.parameters["user"], "bob");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_opens_fails_at_reachability_and_says_why() {
    let running = Running::new().await;
    let mut asked = running.asked("client1");
    asked.destination = Some("10.1.1.9".to_owned());
    asked.protocol = Some("tcp".to_owned());
    asked.port = Some(443);
    let test = running.tested(asked).await;
    assert!(!test.passed);
    let step = test.steps.last().unwrap();
    assert_eq!((step.name.as_str(), step.passed), ("reachability", false));
    assert!(
        step.sentence
            .contains("No authorization rule matches the destination"),
        "{}",
        step.sentence
    );
    assert!(
        step.details
            .iter()
            .any(|it| it.contains("The route to 10.1.0.0/16")),
        "{step:?}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_or_the_authoritys_key_the_first_step_says_what_to_do() {
    let bench = Bench::new().await;
    let certificates = bench.certificates().await;
    let foreign = crate::pki::make_ca("Foreign CA", crate::pki::KeyType::EcdsaP256, clock::now());
    let import = ImportCertificate {
        certificate: Bytes(foreign.unwrap().certificate_pem.into_bytes()),
        ..ImportCertificate::default()
    };
    let foreign = arn(bench.ok(Command::ImportCertificate(import)).await);
    let running = Running::with(bench, &certificates.server, &foreign).await;
    for (user, lack) in [
        ("bob", "no client certificate of bob"),
        ("client1", "was not issued by"),
    ] {
        let test = running.tested(running.asked(user)).await;
        assert_eq!(steps(&test), [("certificate", false)]);
        let sentence = &test.steps[0].sentence;
        assert!(sentence.contains(lack), "{sentence}");
        assert!(sentence.contains("Import"), "{sentence}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_by_another_certificate_than_the_users_own_says_so() {
    let bench = Bench::new().await;
    let certificates = bench.certificates().await;
    let other = bench.ca("Other CA").await;
    let running = Running::with(bench, &certificates.server, &other).await;
    for (user, is_told) in [("client1", true), ("bob", false)] {
        let test = running.tested(running.asked(user)).await;
        assert!(test.passed, "{test:#?}");
        let sentence = &test.steps[0].sentence;
        assert!(sentence.contains("kept nowhere"), "{sentence}");
        let says = sentence.contains("client1's own certificate is not what this tests");
        assert_eq!(says, is_told, "{sentence}");
    }
    running.stop().await;
}

#[tokio::test]
async fn without_a_gateway_the_handshake_says_to_start_one() {
    let bench = Bench::new().await;
    let mut create = create_endpoint(&bench.certificates().await);
    create.vpn_port = Some(free_port());
    let endpoint = bench.endpoint_with(&create).await;
    let asked = TestConnection {
        client_vpn_endpoint_id: endpoint.to_string(),
        user: "client1".to_owned(),
        ..TestConnection::default()
    };
    let Answer::ConnectionTest(test) = bench.ok(Command::TestConnection(asked)).await else {
        panic!("another answer");
    };
    assert_eq!(steps(&test), [("certificate", true), ("handshake", false)]);
    assert!(
        test.steps[1].sentence.contains("gatehouse serve"),
        "{test:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_tested_is_refused_at_its_field() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let base = || TestConnection {
        client_vpn_endpoint_id: endpoint.to_string(),
        user: "client1".to_owned(),
        destination: Some("10.1.1.9".to_owned()),
        ..TestConnection::default()
    };
    let text = |text: &str| Some(text.to_owned());
    for (asked, field) in [
        (
            TestConnection {
                user: String::new(),
                ..base()
            },
            "User",
        ),
        (
            TestConnection {
                destination: text("host"),
                ..base()
            },
            "Destination",
        ),
        (
            TestConnection {
                destination: None,
                protocol: text("icmp"),
                ..base()
            },
            "Destination",
        ),
        (
            TestConnection {
                protocol: text("udp"),
                ..base()
            },
            "Protocol",
        ),
        (
            TestConnection {
                port: Some(443),
                ..base()
            },
            "Protocol",
        ),
        (
            TestConnection {
                protocol: text("tcp"),
                ..base()
            },
            "Port",
        ),
        (
            TestConnection {
                protocol: text("tcp"),
                port: Some(0),
                ..base()
            },
            "Port",
        ),
    ] {
        let refusal = bench.refused(Command::TestConnection(asked.clone())).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{asked:?}");
    }
    let refusal = bench
        .service
        .call(&bench.caller, dry_run(Command::TestConnection(base())))
        .await;
    assert_eq!(refusal.unwrap_err().code, Code::DryRunOperation);
}

#[tokio::test]
async fn a_diagnosis_of_a_stopped_gateway_says_so_first() {
    let bench = Bench::new().await;
    bench.endpoint().await;
    let Answer::Diagnosis(findings) = bench.ok(Command::Diagnose).await else {
        panic!("another answer");
    };
    assert_eq!(findings[0].severity, crate::model::Severity::Problem);
    assert!(
        findings
            .iter()
            .any(|it| it.check == "gateway" && it.commands.is_some())
    );
    assert!(findings.is_sorted_by(|a, b| a.severity >= b.severity));
}
