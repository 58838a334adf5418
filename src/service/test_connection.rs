//! A test connection: our own client connects to an endpoint as a user's would, through the
//! endpoint's own listener, and tells step by step what it met.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    sync::Semaphore,
    time::{timeout, timeout_at},
};
use zeroize::Zeroizing;

use super::{
    Service, aside,
    certificates::{self, CLIENT_CERTIFICATE, SERVER_CERTIFICATE},
    change::{Change, Terms},
    endpoints::living,
    export,
    fields::{invalid, needed},
    lock, why,
};
use crate::{
    clock,
    model::{
        Answer, Certificate, CertificateUse, Code, ConnectionState, ConnectionTest, Decision,
        Endpoint, EndpointId, Explanation, Refusal, Snapshot, TestStep, Transport, command::Why,
        diagnosis::TestConnection,
    },
    openvpn,
    pki::{self, SecretPem},
    tunnel::client::{self, Client, ClientError, Heard, Probe, ProbeOutcome, Profile, Remote},
};

/// What is to be tested, once it is known to be possible to try.
struct Plan {
    endpoint: EndpointId,
    user: String,
    probe: Option<Probe>,
    server: Remote,
    ca: String,
    server_name: Option<String>,
    identity: Result<Identity, String>,
}

/// How the user proves who it is.
enum Identity {
    /// By a certificate of the store.
    Stored {
        chain_pem: String,
        key_pem: Zeroizing<String>,
    },
    /// By one that is issued for the test alone.
    Issued {
        authority: Box<Certificate>,
        key: SecretPem,
        /// Why the user's own certificate is not used, where the store has one.
        instead: Option<String>,
    },
}

impl Service {
    /// Tests a connection. That it was tried is in the event record before it is tried.
    pub(super) async fn test_connection(
        &self,
        terms: Terms,
        command: TestConnection,
    ) -> Result<Answer, Refusal> {
        let Ok(_permit) = TESTS.try_acquire() else {
            return Err(Refusal::new(
                Code::Unavailable,
                format!(
                    "{MOST_AT_ONCE} test connections run at the moment; try again in {} seconds",
                    LIMIT.as_secs()
                ),
            ));
        };
        let planned = Arc::new(Mutex::new(None));
        let place = Arc::clone(&planned);
        let answer = self
            .change(terms, move |change| {
                *lock(&place) = Some(change.plan_test(&command)?);
                let test = ConnectionTest {
                    passed: false,
                    steps: Vec::new(),
                };
                Ok(Answer::ConnectionTest(test))
            })
            .await?;
        let Some(plan) = lock(&planned).take() else {
            return Ok(answer);
        };
        let mut log = Log::default();
        let run = Box::pin(self.run_test(plan, &mut log));
        if timeout(LIMIT, run).await.is_err() {
            log.fail(format!(
                "The test took longer than {} seconds and was ended; look at the gateway's load and log, and try again.",
                LIMIT.as_secs()
            ));
        }
        Ok(Answer::ConnectionTest(log.test()))
    }

    /// Takes the steps until one fails.
    async fn run_test(&self, plan: Plan, log: &mut Log) {
        log.begin("certificate");
        let (identity, sentence) = match plan.identity {
            Ok(identity) => match prove(identity, &plan.user).await {
                Ok(proof) => proof,
                Err(refusal) => return log.fail(refusal.message),
            },
            Err(sentence) => return log.fail(sentence),
        };
        log.pass(sentence, Vec::new());
        let profile = Profile {
            remotes: vec![plan.server],
            ca: plan.ca,
            identity: Some(identity),
            server_name: plan.server_name,
            auth_user_pass: false,
            reneg_secs: 0,
            ignored: Vec::new(),
        };
        log.begin("handshake");
        let joined = Client::connect(&profile, HANDSHAKE, |heard, _| {
            if let Heard::Handshake { tls, server } = heard {
                let sentence = format!("The handshake with {server} succeeded.");
                log.pass(sentence, vec![format!("TLS {tls}")]);
                log.begin("options");
            }
        });
        let mut client = match joined.await {
            Ok(client) => client,
            Err(error) => return log.fail(self.why_not_joined(&plan.endpoint, &error)),
        };
        let cipher = client.cipher().unwrap_or_default();
        log.add_to("handshake", format!("cipher {cipher}"));
        let Some(pushed) = client.pushed().cloned() else {
            return log.fail("The server sent no options; look at the gateway's log.".to_owned());
        };
        let address = pushed.address;
        let sentence = format!("{} has the address {address} in the tunnel.", plan.user);
        log.pass(sentence, client::options(&pushed));
        if let Some(probe) = plan.probe {
            log.begin("reachability");
            let outcome = client.probe(probe, PROBE).await;
            let told = self.told(&plan.endpoint, address, probe).await;
            judge(log, probe, outcome, told);
        }
        client.leave().await;
    }

    /// Why there is no session, with the next thing to do.
    fn why_not_joined(&self, endpoint: &EndpointId, error: &ClientError) -> String {
        let view = self.view();
        if self.gateway().is_none() {
            return "No gateway runs on this data directory; start one with gatehouse serve."
                .to_owned();
        }
        let gateway = &view.live.gateway;
        let listener = gateway
            .listeners
            .iter()
            .find(|it| it.endpoint_id == *endpoint);
        match listener.map(|listener| &listener.trouble) {
            Some(Some(trouble)) => format!("The endpoint does not listen: {trouble}"),
            None => {
                "The endpoint does not listen yet; associate a target network with it.".to_owned()
            }
            Some(None) => match error {
                ClientError::Refused { reason, .. } => format!(
                    "The session was refused: {reason}. The endpoint's connection attempts have the gateway's side of it."
                ),
                error => format!(
                    "The endpoint's listener was not joined: {error}. A firewall on this machine may drop packets to its own port; the diagnosis looks at that."
                ),
            },
        }
    }

    /// What the policy says of the test's own connection.
    async fn told(
        &self,
        endpoint: &EndpointId,
        address: Ipv4Addr,
        probe: Probe,
    ) -> Option<Explanation> {
        let mut views = self.views();
        let deadline = tokio::time::Instant::now() + SHOWN_WITHIN;
        loop {
            let view = Arc::clone(&views.borrow_and_update());
            let own = view.live.connections.iter().find(|connection| {
                connection.endpoint_id == *endpoint
                    && connection.client_ip == address
                    && connection.state == ConnectionState::Active
            });
            if let Some(connection) = own {
                let asked = Why {
                    client_vpn_endpoint_id: endpoint.to_string(),
                    connection_id: Some(connection.id.to_string()),
                    destination: probe.address.to_string(),
                    protocol: Some(if probe.port.is_some() { "tcp" } else { "icmp" }.to_owned()),
                    port: probe.port,
                    ..Why::default()
                };
                let own = self.inner.host.own_addresses();
                return match why::explain(&view, &asked, &own, clock::now()) {
                    Ok(Answer::Explanation(explanation)) => Some(*explanation),
                    _ => None,
                };
            }
            let changed = timeout_at(deadline, views.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return None;
            }
        }
    }
}

/// Ends the step `reachability`: what the packets met, and what the policy says of them.
fn judge(log: &mut Log, probe: Probe, outcome: ProbeOutcome, told: Option<Explanation>) {
    let details = told
        .iter()
        .flat_map(|told| &told.ways)
        .flat_map(|way| &way.steps)
        .map(ToString::to_string)
        .collect();
    let met = match outcome {
        ProbeOutcome::Answered(after) => {
            let sentence = format!("{probe} answered after {} ms.", after.as_millis());
            return log.pass(sentence, details);
        }
        ProbeOutcome::Refused(why) => why,
        ProbeOutcome::NoAnswer => {
            format!(
                "Nothing came from {probe} within {} seconds.",
                PROBE.as_secs()
            )
        }
    };
    let denied = told.filter(|told| told.verdict == Decision::Deny);
    let sentence = match denied {
        Some(told) => format!("{met} {}", told.sentence),
        None => format!(
            "{met} The rules let it pass, so look at the target: whether it runs, whether its own firewall lets it answer, and whether it knows a way back. The diagnosis shows what this machine does."
        ),
    };
    log.fail_with(sentence, details);
}

/// Certificate and key in PEM, and what they are as a sentence.
async fn prove(
    identity: Identity,
    user: &str,
) -> Result<((String, Zeroizing<String>), String), Refusal> {
    match identity {
        Identity::Stored { chain_pem, key_pem } => {
            let sentence = format!("{user}'s certificate of the store is used.");
            Ok(((chain_pem, key_pem), sentence))
        }
        Identity::Issued {
            authority,
            key,
            instead,
        } => {
            let mut request = pki::Request::client(user);
            request.validity_days = 1;
            let mut sentence = format!(
                "{} issued a certificate for {user} that is used for this test alone and kept nowhere.",
                authority.title()
            );
            if let Some(why) = instead {
                sentence.push_str(&format!(
                    " {why}, so {user}'s own certificate is not what this tests."
                ));
            }
            let issued = aside(move || {
                pki::issue(&authority.certificate_pem, &key, &request, clock::now()).map_err(
                    |error| invalid("User", format!("No certificate can be issued: {error}")),
                )
            })
            .await?;
            let key_pem = Zeroizing::new(issued.private_key_pem.expose().to_owned());
            Ok(((issued.certificate_pem, key_pem), sentence))
        }
    }
}

impl Change<'_, '_> {
    fn plan_test(&mut self, command: &TestConnection) -> Result<Plan, Refusal> {
        let snapshot = self.snapshot.clone();
        let endpoint = living(&snapshot, &command.client_vpn_endpoint_id)?;
        self.concerns(&endpoint.id);
        let user = needed("User", &command.user, "alice")?.to_owned();
        let probe = probe(command)?;
        let server = certificates::named(
            &snapshot,
            SERVER_CERTIFICATE,
            endpoint.server_certificate.as_str(),
        )?;
        let facts = certificates::inspected(&server.certificate_pem)?;
        Ok(Plan {
            endpoint: endpoint.id.clone(),
            probe,
            server: Remote {
                host: Ipv4Addr::LOCALHOST.to_string(),
                port: endpoint.port,
                transport: match endpoint.transport {
                    Transport::Udp => openvpn::Transport::Udp,
                    Transport::Tcp => openvpn::Transport::Tcp,
                },
            },
            ca: export::server_ca(&snapshot, server)?,
            server_name: pki::verify_name(&facts).map(str::to_owned),
            identity: self.identity_of(&snapshot, endpoint, &user)?,
            user,
        })
    }

    /// A certificate of the user that the endpoint accepts, or an authority to issue one, or what
    /// to do where there is neither.
    fn identity_of(
        &mut self,
        snapshot: &Snapshot,
        endpoint: &Endpoint,
        user: &str,
    ) -> Result<Result<Identity, String>, Refusal> {
        let Some(root) = endpoint.client_root_certificate() else {
            return Ok(Err("The endpoint has no client CA.".to_owned()));
        };
        let root = certificates::named(snapshot, CLIENT_CERTIFICATE, root.as_str())?;
        let own = snapshot.certificates.values().filter(|certificate| {
            certificate.usage == CertificateUse::Client
                && certificate.common_name.as_deref() == Some(user)
        });
        let is_accepted = |certificate: &&Arc<Certificate>| {
            certificate.has_private_key
                && certificates::check_client(certificate, root, self.now).is_ok()
        };
        let best = own
            .clone()
            .filter(is_accepted)
            .max_by_key(|it| it.not_after);
        if let Some(certificate) = best {
            self.concerns(&certificate.arn);
            let key = self.private_key(certificate)?;
            let key_pem = std::str::from_utf8(&key)
                .map_err(|_| invalid(CLIENT_CERTIFICATE, "The private key is not PEM"))?;
            return Ok(Ok(Identity::Stored {
                chain_pem: export::with_authorities_between(certificate)?,
                key_pem: Zeroizing::new(key_pem.to_owned()),
            }));
        }
        let lack = own
            .clone()
            .map(
                |certificate| match certificates::check_client(certificate, root, self.now) {
                    Err(refusal) => refusal.message,
                    Ok(()) => format!("The store has {user}'s certificate without its key"),
                },
            )
            .next();
        if let (Some(lack), true) = (&lack, own.clone().any(|it| it.revoked.is_some())) {
            // A new one would be let in, and say nothing about the user.
            return Ok(Err(format!("{lack}.")));
        }
        let roots = certificates::client_roots(root)?;
        let may_issue = |authority: &&Arc<Certificate>| {
            authority.has_private_key
                && authority.usage == CertificateUse::Authority
                && certificates::chain_der(authority)
                    .is_ok_and(|chain| chain.first().is_some_and(|der| roots.contains(der)))
        };
        if let Some(authority) = snapshot.certificates.values().find(may_issue) {
            self.concerns(&authority.arn);
            let key = self.private_key(authority)?;
            let pem = String::from_utf8(key.to_vec())
                .map_err(|_| invalid(CLIENT_CERTIFICATE, "The private key is not PEM"))?;
            return Ok(Ok(Identity::Issued {
                authority: Box::new(Certificate::clone(authority)),
                key: SecretPem::new(pem),
                instead: lack.map(|lack| lack.trim_end_matches('.').to_owned()),
            }));
        }
        let lack = lack.unwrap_or_else(|| format!("The store has no client certificate of {user}"));
        let title = root.title();
        Ok(Err(format!(
            "{lack}, and no private key of {title} to issue one for the test. Import {user}'s certificate with its key, or {title} with its key."
        )))
    }
}

/// What is to be asked through the tunnel.
fn probe(command: &TestConnection) -> Result<Option<Probe>, Refusal> {
    let given = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let protocol = given(&command.protocol);
    let port = match (protocol.as_deref(), command.port) {
        (None | Some("icmp"), None) => None,
        (Some("tcp"), Some(port)) if port > 0 => Some(port),
        (Some("tcp"), _) => {
            return Err(invalid(
                "Port",
                "A test with tcp needs a port from 1 on, for example 443",
            )
            .cure("443"));
        }
        (None | Some("icmp"), Some(_)) => {
            return Err(invalid("Protocol", "Only tcp has ports; name it, or no port").cure("tcp"));
        }
        (Some(other), _) => {
            return Err(invalid(
                "Protocol",
                format!("\"{other}\" cannot be tested; use icmp or tcp"),
            )
            .cure("icmp"));
        }
    };
    let Some(destination) = given(&command.destination) else {
        return match port.is_some() || protocol.is_some() {
            true => Err(Refusal::missing("Destination", "10.1.1.9").cure("10.1.1.9")),
            false => Ok(None),
        };
    };
    let address = destination.parse().map_err(|_| {
        invalid(
            "Destination",
            format!("\"{destination}\" is not an IPv4 address, for example 10.1.1.9"),
        )
        .cure("10.1.1.9")
    })?;
    Ok(Some(Probe { address, port }))
}

/// The steps so far, and the one under way.
#[derive(Default)]
struct Log {
    steps: Vec<TestStep>,
    current: Option<(&'static str, Instant)>,
}

impl Log {
    fn begin(&mut self, name: &'static str) {
        self.current = Some((name, Instant::now()));
    }

    fn pass(&mut self, sentence: String, details: Vec<String>) {
        self.end(true, sentence, details);
    }

    fn fail(&mut self, sentence: String) {
        self.fail_with(sentence, Vec::new());
    }

    fn fail_with(&mut self, sentence: String, details: Vec<String>) {
        self.end(false, sentence, details);
    }

    fn end(&mut self, passed: bool, sentence: String, details: Vec<String>) {
        if let Some((name, begun)) = self.current.take() {
            self.steps.push(TestStep {
                name: name.to_owned(),
                passed,
                sentence,
                details,
                milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            });
        }
    }

    /// One more fact for a step that is over.
    fn add_to(&mut self, name: &str, detail: String) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            step.details.push(detail);
        }
    }

    fn test(self) -> ConnectionTest {
        ConnectionTest {
            passed: !self.steps.is_empty() && self.steps.iter().all(|step| step.passed),
            steps: self.steps,
        }
    }
}

const MOST_AT_ONCE: usize = 4;
static TESTS: Semaphore = Semaphore::const_new(MOST_AT_ONCE);
/// How long a test may take in all.
const LIMIT: Duration = Duration::from_secs(15);
/// How long the endpoint may take to let the session stand.
const HANDSHAKE: Duration = Duration::from_secs(7);
/// How long the destination may take to answer.
const PROBE: Duration = Duration::from_secs(3);
/// How long it may take until views show the test's connection.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);
