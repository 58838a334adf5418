//! The only door to change anything: authorize, validate, apply, record.
//!
//! A command that changes something is validated inside its transaction against the configuration
//! the transaction began with, applied, and recorded there; when [`Service::call`] returns, it is
//! durable and the new [`Snapshot`] is published. A refused one has changed nothing. Reads are
//! answered from memory.
//!
//! The service is also what the gateway asks and reports to ([`tunnel::Gatekeeper`]); it sees the
//! gateway only as [`tunnel::Gateway`], attached once it runs.
//!
//! [`tunnel::Gatekeeper`]: crate::tunnel::Gatekeeper
//! [`tunnel::Gateway`]: crate::tunnel::Gateway

mod access;
mod admission;
mod attachments;
mod backup;
mod board;
mod caller;
mod certificates;
mod change;
mod connections;
mod diff;
mod directory;
mod doctor;
mod egress;
mod endpoints;
mod events;
mod export;
mod fields;
mod filters;
mod host;
mod kinds;
mod limits;
mod logs;
mod lookup;
mod modify;
mod networks;
mod permissions;
mod preview;
mod resources;
mod revocation;
mod role;
mod route_tables;
mod routes;
mod scenario;
mod security_groups;
mod settings;
mod tags;
mod test_connection;
mod undo;
mod warnings;
mod why;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use self::{
    admission::Desk,
    board::Board,
    change::{Change, Machine, Terms, dry_run},
    events::Recorder,
};
pub use self::{
    caller::{Caller, Face},
    host::{Host, ThisMachine},
};
use crate::{
    clock,
    model::{
        Answer, Certificate, Code, Command, Direction, Event, Refusal, Request, Snapshot, View,
    },
    store::{Store, Tx},
    tunnel::Gateway,
};

/// The service of one data directory. Clones share it.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    host: Arc<dyn Host>,
    board: Arc<Board>,
    desk: Desk,
    recorder: Recorder,
    lists: revocation::Lists,
    gateway: Mutex<Option<Attached>>,
    /// Ends with the service.
    tasks: Mutex<JoinSet<()>>,
}

/// The running gateway and the task that follows what it shows.
struct Attached {
    gateway: Arc<dyn Gateway>,
    following: AbortHandle,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Service {
    /// Starts the service on an open store. Connections that the store still has as live are
    /// ended: no gateway runs yet. Needs a tokio runtime, now and for as long as it lives.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start(store: Store, host: impl Host) -> Result<Self, Refusal> {
        let now = clock::now();
        let (ended, attempts) = store
            .transact(now, move |tx| {
                certificates::adopt_all(tx)?;
                for connection in tx.open_connections()? {
                    logs::keep_given_up(tx, &admission::given_up(connection))?;
                }
                tx.end_all_connections(admission::STOPPED_WITHOUT_A_WORD)?;
                let since = connections::listed_since(now);
                let ended = tx.connections_ended_since(since, board::KEPT_ENDED)?;
                Ok::<_, Refusal>((ended, tx.attempts(None, board::KEPT_ATTEMPTS)?))
            })
            .await?;
        let board = Arc::new(Board::new(store.snapshots(), ended, attempts));
        board.publish(now);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow_snapshots(store.snapshots(), Arc::clone(&board)));
        tasks.spawn(logs::prune(
            store.clone(),
            store.snapshots(),
            logs::PRUNED_EVERY,
        ));
        let recorder = Recorder::start(store.clone());
        let inner = Arc::new_cyclic(|itself| {
            tasks.spawn(revocation::follow_lists(itself.clone(), store.snapshots()));
            tasks.spawn(revocation::keep_lists(itself.clone()));
            Inner {
                desk: Desk::open(store.clone(), Arc::clone(&board), itself.clone()),
                store,
                host: Arc::new(host),
                board,
                recorder,
                lists: revocation::Lists::default(),
                gateway: Mutex::new(None),
                tasks: Mutex::new(tasks),
            }
        });
        let service = Self { inner };
        // After a long time off a list may be over, and nobody would be let in by it.
        service.renew_lists(now).await;
        Ok(service)
    }

    /// Attaches the running gateway: from now on views show it and connections can be ended.
    /// Gateway and service hold each other until [`Service::detach`], or until the gateway has
    /// nothing more to show.
    pub fn attach(&self, gateway: Arc<dyn Gateway>) {
        let live = gateway.live();
        self.inner.board.set_tunnel(live.borrow().clone());
        self.inner.board.publish(clock::now());
        let follow = admission::follow_gateway(
            self.inner.store.clone(),
            Arc::clone(&self.inner.board),
            live,
            admission::COUNTERS_KEPT_EVERY,
        );
        let gone = self.inner.desk.gateway_gone();
        let (service, itself) = (Arc::downgrade(&self.inner), Arc::downgrade(&gateway));
        // Held until the gateway is in its place, so that it does not leave before.
        let mut place = lock(&self.inner.gateway);
        let following = lock(&self.inner.tasks).spawn(async move {
            follow.await;
            gone.await;
            let Some(service) = service.upgrade() else {
                return;
            };
            let is_it =
                |attached: &mut Attached| Weak::ptr_eq(&Arc::downgrade(&attached.gateway), &itself);
            let left = lock(&service.gateway).take_if(is_it);
            drop(left);
        });
        *place = Some(Attached { gateway, following });
    }

    /// Lets go of the gateway, once it has stopped. After every report so far the views are
    /// without it, and connections that it did not report as closed have ended with it.
    pub fn detach(&self) {
        let attached = lock(&self.inner.gateway).take();
        if attached.is_some() {
            self.inner.desk.gateway_is_gone();
        }
    }

    /// The configuration, always the newest that is durable.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.inner.store.snapshots()
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.store.snapshot()
    }

    /// Configuration and what runs, always the newest.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.inner.board.views()
    }

    /// Configuration and what runs, at this moment.
    #[must_use]
    pub fn view(&self) -> View {
        self.inner.board.view(clock::now())
    }

    /// Returns once every report and every line of the event record so far is written; to be
    /// called before the last clone is dropped.
    pub async fn flush(&self) {
        self.inner.desk.flush().await;
        self.inner.recorder.flush().await;
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// The refusal, by which nothing has changed.
    pub async fn call(&self, caller: &Caller, request: Request) -> Result<Answer, Refusal> {
        let action = request.command.action();
        let parameters = events::parameters(&request.command);
        let read = self.read(&request).await;
        let is_read = read.is_some();
        let is_preview = matches!(request.command, Command::PreviewChange(_));
        // The window asks these by itself at every change, so that what it shows is of now.
        let asked_again = is_preview
            || matches!(
                request.command,
                Command::Why(_)
                    | Command::DescribeScenario(_)
                    | Command::InspectRevocationList(_)
                    | Command::InspectCertificateRequest(_)
                    | Command::DescribeLogGroups(_)
                    | Command::DescribeLogStreams(_)
                    | Command::FilterLogEvents(_)
            );
        let polled = matches!(
            request.command,
            Command::DescribeStatus | Command::LookupEvents(_)
        ) || (asked_again && caller.face == Face::Window);
        let is_preview = is_preview
            || matches!(
                request.command,
                Command::InspectRevocationList(_) | Command::InspectCertificateRequest(_)
            );
        let judged_while_typing = (request.dry_run || is_preview) && caller.face == Face::Window;
        let outcome = match read {
            Some(outcome) => outcome,
            None => Box::pin(self.carry_out(caller, request)).await,
        };
        let now = clock::now();
        match &outcome {
            // The window judges each field as it is left; only what was asked for is a deed.
            Err(_) if judged_while_typing => {}
            Err(refusal) => {
                self.record(events::refused(caller, action, parameters, refusal, now));
            }
            Ok(_) if is_read && !polled => {
                self.record(events::allowed(caller, action, parameters, Vec::new(), now));
            }
            // A change has its line already; a face that polls, or looks at the record itself,
            // would drown the rest.
            Ok(_) => {}
        }
        outcome
    }

    fn record(&self, event: Event) {
        self.inner.recorder.record(event);
        let lost = self.inner.recorder.lost();
        if lost > 0 {
            self.inner.board.set_warnings(vec![format!(
                "{lost} lines of the event record (refusals and reads) were lost because the disk was too slow or full"
            )]);
        }
    }

    /// Answers a command that only looks; none if it is not one.
    async fn read(&self, request: &Request) -> Option<Result<Answer, Refusal>> {
        let answer = match self.read_memory(&request.command) {
            Some(answer) => answer,
            None => match self.read_logs(&request.command).await {
                Some(answer) => answer,
                None => self.read_store(&request.command).await?,
            },
        };
        Some(match answer {
            Ok(_) if request.dry_run => Err(dry_run()),
            answer => answer,
        })
    }

    fn read_memory(&self, command: &Command) -> Option<Result<Answer, Refusal>> {
        let snapshot = self.snapshot();
        Some(match command {
            Command::ListCertificates => Ok(Answer::Certificates(
                snapshot
                    .certificates
                    .values()
                    .map(|certificate| Certificate::clone(certificate))
                    .collect(),
            )),
            Command::DescribeCertificate(name) => certificates::stored(
                &snapshot,
                certificates::CERTIFICATE_ARN,
                &name.certificate_arn,
            )
            .map(|certificate| Answer::Certificate(Box::new(certificate.clone()))),
            Command::InspectCertificateRequest(wanted) => certificates::inspect_request(wanted),
            Command::DescribeVpcAttribute(wanted) => {
                networks::describe_vpc_attribute(&snapshot, wanted)
            }
            Command::DescribeVpcs(wanted) => networks::describe_vpcs(&snapshot, wanted),
            Command::DescribeSubnets(wanted) => networks::describe_subnets(&snapshot, wanted),
            Command::DescribeAvailabilityZones => Ok(egress::availability_zones(&snapshot)),
            Command::DescribeInternetGateways(wanted) => {
                networks::describe_internet_gateways(&snapshot, wanted)
            }
            Command::DescribeVpcPeeringConnections(wanted) => {
                attachments::describe_peering_connections(&snapshot, wanted)
            }
            Command::DescribeVpnConnections(wanted) => {
                attachments::describe_vpn_connections(&snapshot, wanted)
            }
            Command::DescribeRouteTables(wanted) => route_tables::describe(&snapshot, wanted),
            Command::DescribeSecurityGroups(wanted) => security_groups::describe(&snapshot, wanted),
            Command::DescribeNetworkInterfaces(wanted) => resources::describe(&snapshot, wanted),
            Command::DescribeClientVpnEndpoints(wanted) => {
                endpoints::describe(&snapshot, wanted, &self.machine())
            }
            Command::DescribeClientVpnTargetNetworks(wanted) => {
                endpoints::describe_target_networks(&snapshot, wanted)
            }
            Command::DescribeClientVpnAuthorizationRules(wanted) => {
                access::describe(&snapshot, wanted)
            }
            Command::DescribeClientVpnRoutes(wanted) => routes::describe(&snapshot, wanted),
            Command::DescribeClientVpnConnections(wanted) => {
                connections::describe(&self.view(), wanted)
            }
            Command::DescribeTags(wanted) => tags::describe(&snapshot, wanted),
            Command::DescribeClientBlocks(wanted) => {
                connections::blocks(&snapshot, wanted, clock::now())
            }
            Command::GetServiceLinkedRole => role::describe(&snapshot),
            Command::DescribeGroups => Ok(directory::describe_groups(&snapshot)),
            Command::Why(wanted) => {
                let own = self.inner.host.own_addresses();
                why::explain(&self.view(), wanted, &own, clock::now())
            }
            Command::DescribeScenario(wanted) => {
                scenario::describe(&snapshot, wanted, clock::now())
            }
            Command::DescribeUsers => Ok(directory::describe_users(&self.view())),
            Command::DescribeHostNetworks => Ok(Answer::HostNetworks(self.inner.host.networks())),
            Command::DescribeSettings => Ok(Answer::Settings(snapshot.settings.clone())),
            Command::DescribeStatus => Ok(Answer::View(Box::new(self.view()))),
            _ => return None,
        })
    }

    async fn read_store(&self, command: &Command) -> Option<Result<Answer, Refusal>> {
        let now = clock::now();
        match command {
            Command::PreviewChange(command) => {
                Some(Box::pin(self.preview(command.as_ref().clone())).await)
            }
            Command::LookupEvents(wanted) => Some(self.look_up_events(wanted).await),
            Command::DescribeBackup(wanted) => Some(self.describe_backup(wanted).await),
            Command::GetServiceLinkedRoleDeletionStatus(wanted) => {
                let wanted = wanted.clone();
                let answer = self
                    .inner
                    .store
                    .transact(now, move |tx| role::deletion(tx, &wanted));
                Some(answer.await)
            }
            Command::InspectRevocationList(it) => Some(self.inspect_list(it.clone()).await),
            Command::ExportClientVpnClientCertificateRevocationList(it) => {
                Some(self.export_endpoint_list(it.clone()).await)
            }
            Command::ExportRevocationList(it) => Some(self.export_authority_list(it.clone()).await),
            Command::Diagnose => Some(Ok(Answer::Diagnosis(self.diagnose().await))),
            Command::DescribeConnectionAttempts(wanted) => {
                let wanted = wanted.client_vpn_endpoint_id.clone();
                let answer = self.inner.store.transact(now, move |tx| {
                    let snapshot = tx.snapshot();
                    let endpoint = endpoints::endpoint(&snapshot, &wanted)?;
                    let attempts = tx.attempts(Some(&endpoint.id), connections::MAX_ATTEMPTS)?;
                    Ok(Answer::Attempts(attempts))
                });
                Some(answer.await)
            }
            _ => None,
        }
    }

    /// Carries out a command that changes or hands out something. What is slow is done before the
    /// transaction.
    async fn carry_out(&self, caller: &Caller, request: Request) -> Result<Answer, Refusal> {
        let terms = Terms::new(caller, &request)?;
        let now = clock::now();
        match request.command {
            Command::CreateCertificateAuthority(command) => {
                let new = aside(move || certificates::make_authority(&command, now)).await?;
                self.change(terms, move |change| change.insert_certificate(new))
                    .await
            }
            Command::IssueCertificate(it) => self.issue_certificate(terms, it, now).await,
            Command::IssueCertificates(it) => self.issue_certificates(terms, it, now).await,
            Command::ImportPki(it) => self.import_pki(terms, it, now).await,
            Command::SignCertificateRequest(it) => {
                self.sign_certificate_request(terms, it, now).await
            }
            Command::RenewCertificate(it) => self.renew_certificate(terms, it, now).await,
            Command::ImportCertificate(it) => self.import_certificate(terms, it, now).await,
            Command::ImportClientVpnClientCertificateRevocationList(it) => {
                self.import_list(terms, it).await
            }
            Command::TerminateClientVpnConnections(command) => self.terminate(terms, command).await,
            Command::ReconnectClientVpnConnections(command) => self.reconnect(terms, command).await,
            Command::TestConnection(command) => self.test_connection(terms, command).await,
            Command::CreateBackup(command) => self.create_backup(terms, command).await,
            Command::RestoreBackup(command) => self.restore_backup(terms, command).await,
            command => {
                self.change(terms, move |change| change.apply(command))
                    .await
            }
        }
    }

    async fn change<F>(&self, terms: Terms, work: F) -> Result<Answer, Refusal>
    where
        F: FnOnce(&mut Change<'_, '_>) -> Result<Answer, Refusal> + Send + 'static,
    {
        let machine = self.machine();
        let work = move |tx: &mut Tx<'_>| terms.carry_out(tx, machine, work);
        let answer = self.inner.store.transact(clock::now(), work).await;
        self.inner.board.publish(clock::now());
        answer
    }

    /// The host that clients are told to connect to.
    fn dns_name(&self) -> String {
        self.machine().dns_name(&self.snapshot())
    }

    fn machine(&self) -> Machine {
        Machine {
            host: Arc::clone(&self.inner.host),
            mode: self.inner.board.mode(),
            board: Arc::clone(&self.inner.board),
        }
    }

    fn gateway(&self) -> Option<Arc<dyn Gateway>> {
        let attached = lock(&self.inner.gateway);
        attached
            .as_ref()
            .map(|attached| Arc::clone(&attached.gateway))
    }
}

/// What the service guards is changed in single steps, so a panic elsewhere leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Change<'_, '_> {
    /// Applies a command that needs nothing but the transaction and what is known of the machine.
    fn apply(&mut self, command: Command) -> Result<Answer, Refusal> {
        match command {
            Command::ExportCertificate(command) => self.export_certificate(&command),
            Command::DeleteCertificate(command) => self.delete_certificate(&command),
            Command::RevokeCertificate(command) => self.revoke_certificate(&command),
            Command::GenerateRevocationList(command) => self.generate_list(&command),
            Command::CreateVpc(command) => self.create_vpc(command),
            Command::AssociateVpcCidrBlock(command) => self.associate_vpc_cidr_block(&command),
            Command::ModifyVpcAttribute(command) => self.modify_vpc_attribute(&command),
            Command::DisassociateVpcCidrBlock(command) => {
                self.disassociate_vpc_cidr_block(&command)
            }
            Command::DeleteVpc(command) => self.delete_vpc(&command),
            Command::CreateSubnet(command) => self.create_subnet(command),
            Command::DeleteSubnet(command) => self.delete_subnet(&command),
            Command::CreateInternetGateway(command) => self.create_internet_gateway(command),
            Command::AttachInternetGateway(command) => self.attach_internet_gateway(&command),
            Command::DetachInternetGateway(command) => self.detach_internet_gateway(&command),
            Command::DeleteInternetGateway(command) => self.delete_internet_gateway(&command),
            Command::CreateVpcPeeringConnection(command) => self.create_peering(command),
            Command::AcceptVpcPeeringConnection(command) => self.accept_peering(&command),
            Command::DeleteVpcPeeringConnection(command) => self.delete_peering(&command),
            Command::CreateVpnConnection(command) => self.create_vpn(command),
            Command::CreateVpnConnectionRoute(command) => self.add_vpn_network(&command),
            Command::DeleteVpnConnectionRoute(command) => self.remove_vpn_network(&command),
            Command::DeleteVpnConnection(command) => self.delete_vpn(&command),
            Command::CreateRouteTable(command) => self.create_route_table(command),
            Command::AssociateRouteTable(command) => self.associate_route_table(&command),
            Command::DisassociateRouteTable(command) => self.disassociate_route_table(&command),
            Command::CreateRoute(command) => self.create_vpc_route(&command),
            Command::DeleteRoute(command) => self.delete_vpc_route(&command),
            Command::DeleteRouteTable(command) => self.delete_route_table(&command),
            Command::CreateSecurityGroup(command) => self.create_security_group(command),
            Command::DeleteSecurityGroup(command) => self.delete_security_group(&command),
            Command::AuthorizeSecurityGroupIngress(command) => {
                self.authorize_group(&command, Direction::Ingress)
            }
            Command::AuthorizeSecurityGroupEgress(command) => {
                self.authorize_group(&command, Direction::Egress)
            }
            Command::RevokeSecurityGroupIngress(command) => {
                self.revoke_group(&command, Direction::Ingress)
            }
            Command::RevokeSecurityGroupEgress(command) => {
                self.revoke_group(&command, Direction::Egress)
            }
            Command::CreateNetworkInterface(command) => self.create_resource(command),
            Command::ModifyNetworkInterfaceAttribute(command) => self.modify_resource(&command),
            Command::DeleteNetworkInterface(command) => self.delete_resource(&command),
            Command::ApplySecurityGroupsToClientVpnTargetNetwork(command) => {
                self.apply_security_groups(&command)
            }
            Command::ModifySubnetEgress(command) => self.modify_subnet_egress(&command),
            Command::ImportHostNetworks(command) => self.import_host_networks(&command),
            Command::CreateGroup(command) => self.create_group(&command),
            Command::DeleteGroup(command) => self.delete_group(&command),
            Command::AddUserToGroup(command) => self.add_user_to_group(&command),
            Command::RemoveUserFromGroup(command) => self.remove_user_from_group(&command),
            Command::CreateClientVpnEndpoint(command) => self.create_endpoint(command),
            Command::ExportClientVpnClientConfiguration(command) => {
                self.export_client_configuration(&command)
            }
            Command::ModifyClientVpnEndpoint(command) => self.modify_endpoint(&command),
            Command::DeleteClientVpnEndpoint(command) => self.delete_endpoint(&command),
            Command::CreateTags(command) => self.create_tags(command),
            Command::DeleteTags(command) => self.delete_tags(&command),
            Command::UnblockClient(command) => self.unblock(&command),
            Command::CreateLogGroup(command) => self.create_log_group(&command),
            Command::DeleteLogGroup(command) => self.delete_log_group(&command),
            Command::PutRetentionPolicy(command) => self.put_retention_policy(&command),
            Command::CreateLogStream(command) => self.create_log_stream(&command),
            Command::DeleteLogStream(command) => self.delete_log_stream(&command),
            Command::CreateServiceLinkedRole => self.create_role(),
            Command::DeleteServiceLinkedRole => self.delete_role(),
            Command::AssociateClientVpnTargetNetwork(command) => self.associate(&command),
            Command::DisassociateClientVpnTargetNetwork(command) => self.disassociate(&command),
            Command::AuthorizeClientVpnIngress(command) => self.authorize(&command),
            Command::RevokeClientVpnIngress(command) => self.revoke(&command),
            Command::CreateClientVpnRoute(command) => self.create_route(&command),
            Command::DeleteClientVpnRoute(command) => self.delete_route(&command),
            Command::ModifySettings(command) => self.modify_settings(&command),
            Command::UndoEvent(command) => self.undo_event(&command),
            other => Err(fields::invalid(
                "Command",
                format!(
                    "{} is not a change of the networks, endpoints, rules or people of the configuration",
                    other.action()
                ),
            )),
        }
    }
}

/// Runs slow work away from the threads that serve everyone.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "work on a certificate did not end");
            Err(Refusal::new(
                Code::InternalError,
                "Nothing was changed; the log has the cause",
            ))
        })
}

async fn follow_snapshots(mut snapshots: watch::Receiver<Arc<Snapshot>>, board: Arc<Board>) {
    while snapshots.changed().await.is_ok() {
        snapshots.mark_unchanged();
        board.publish(clock::now());
    }
}
