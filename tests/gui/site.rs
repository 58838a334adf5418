//! An endpoint with all it needs, made behind the window's back.

use gatehouse::model::{
    Answer, AssociationState, CertificateUse, Command, EndpointId, KeyType, RouteState, RuleState,
    Subnet, VpcId,
    command::{
        AssociateTargetNetwork, AuthenticationOption, AuthorizeIngress, CreateCertificateAuthority,
        CreateClientVpnEndpoint, CreateSubnet, CreateVpc, IssueCertificate,
    },
};

use crate::{guide, home::Home};

/// Certificates of the CA "Example VPN CA" and a VPC, 10.0.0.0/16, with the subnets 10.0.0.0/24
/// and 10.0.1.0/24 in two Availability Zones.
pub(crate) struct Site {
    pub(crate) home: Home,
    pub(crate) authority: String,
    pub(crate) server: String,
    pub(crate) vpc: VpcId,
    pub(crate) subnets: [Subnet; 2],
}

impl Site {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let authority = home.call(Command::CreateCertificateAuthority(
            CreateCertificateAuthority {
                common_name: "Example VPN CA".to_owned(),
                key_type: KeyType::EcdsaP256,
            },
        ));
        let authority = arn(&authority);
        let server = issue(&home, &authority, CertificateUse::Server, "vpn.example.com");
        issue(&home, &authority, CertificateUse::Client, "a.lindqvist");
        let vpc = home.call(Command::CreateVpc(CreateVpc {
            cidr_block: "10.0.0.0/16".to_owned(),
            ..CreateVpc::default()
        }));
        let Answer::Vpc(vpc) = vpc else {
            panic!("no VPC: {vpc:?}");
        };
        let subnets = ["10.0.0.0/24", "10.0.1.0/24"].map(|cidr| subnet(&home, &vpc.id, cidr));
        Self {
            home,
            authority,
            server,
            vpc: vpc.id,
            subnets,
        }
    }

    /// The same with the endpoint "corp", which has no target network yet.
    pub(crate) fn with_endpoint() -> (Self, EndpointId) {
        let site = Self::new();
        let endpoint = site.endpoint("corp", "10.200.0.0/22");
        (site, endpoint)
    }

    /// The same with the first subnet associated and a rule for the VPC.
    pub(crate) fn open() -> (Self, EndpointId) {
        let (mut site, endpoint) = Self::with_endpoint();
        site.associate(&endpoint, 0);
        site.home
            .call(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
                client_vpn_endpoint_id: endpoint.to_string(),
                target_network_cidr: "10.0.0.0/16".to_owned(),
                authorize_all_groups: true,
                ..AuthorizeIngress::default()
            }));
        site.settle();
        (site, endpoint)
    }

    pub(crate) fn endpoint(&self, name: &str, range: &str) -> EndpointId {
        let answer = self
            .home
            .call(Command::CreateClientVpnEndpoint(CreateClientVpnEndpoint {
                client_cidr_block: range.to_owned(),
                server_certificate_arn: self.server.clone(),
                authentication_options: vec![AuthenticationOption {
                    kind: "certificate-authentication".to_owned(),
                    client_root_certificate_chain_arn: Some(self.authority.clone()),
                }],
                connection_log_enabled: Some(false),
                vpn_port: Some(guide::free_port()),
                tags: [("Name".to_owned(), name.to_owned())].into(),
                ..CreateClientVpnEndpoint::default()
            }));
        match answer {
            Answer::EndpointCreated(endpoint) => endpoint.id,
            other => panic!("no endpoint: {other:?}"),
        }
    }

    pub(crate) fn associate(&mut self, endpoint: &EndpointId, subnet: usize) {
        self.home.call(Command::AssociateClientVpnTargetNetwork(
            AssociateTargetNetwork {
                client_vpn_endpoint_id: endpoint.to_string(),
                subnet_id: self.subnets[subnet].id.to_string(),
            },
        ));
        self.settle();
    }

    /// Waits until everything has taken effect.
    pub(crate) fn settle(&mut self) {
        self.home
            .window
            .wait("everything has taken effect", |window| {
                let snapshot = window.view().snapshot.clone();
                let mut associations = snapshot.associations.values();
                associations.all(|it| it.state == AssociationState::Associated)
                    && snapshot
                        .routes
                        .iter()
                        .all(|it| it.state == RouteState::Active)
                    && snapshot
                        .rules
                        .iter()
                        .all(|it| it.state == RuleState::Active)
            });
    }

    /// Goes to a tab of the endpoint "corp" by the navigation and the list, as the guide has it.
    pub(crate) fn choose(&mut self, tab: &str) {
        let window = &mut self.home.window;
        window.go("Client VPN Endpoints");
        window.press_containing("corp");
        window.tab(tab);
    }
}

fn subnet(home: &Home, vpc: &VpcId, cidr: &str) -> Subnet {
    let answer = home.call(Command::CreateSubnet(CreateSubnet {
        vpc_id: vpc.to_string(),
        cidr_block: cidr.to_owned(),
        ..CreateSubnet::default()
    }));
    match answer {
        Answer::Subnet(subnet) => subnet,
        other => panic!("no subnet: {other:?}"),
    }
}

fn issue(home: &Home, authority: &str, usage: CertificateUse, name: &str) -> String {
    arn(&home.call(Command::IssueCertificate(IssueCertificate {
        ca_arn: authority.to_owned(),
        usage,
        common_name: name.to_owned(),
        key_type: KeyType::EcdsaP256,
        validity_days: None,
        alternative_names: Vec::new(),
    })))
}

fn arn(answer: &Answer) -> String {
    match answer {
        Answer::CertificateArn(arn) => arn.to_string(),
        other => panic!("no certificate: {other:?}"),
    }
}
