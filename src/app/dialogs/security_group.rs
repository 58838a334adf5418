//! Create a security group, and add a rule to one.

use egui::Ui;

use super::{
    group_choice::groups_of,
    ports::{self, ports},
};
use crate::{
    app::{
        context::{Action, Context},
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice},
        nets,
    },
    model::{
        Answer, Command, Direction, IpProtocol, Refusal, SecurityGroup, SecurityGroupId, Snapshot,
        Tags, VpcId,
        command::{AuthorizeSecurityGroup, CreateSecurityGroup, Permission},
    },
};

const NAME: (&str, &str) = ("GroupName", "Name");
const ABOUT: (&str, &str) = ("Description", "Description");
const VPC: (&str, &str) = ("VpcId", "VPC");
const PROTOCOL: (&str, &str) = ("IpProtocol", "Protocol");
const CIDR: &str = "CidrIp";
const GROUP: &str = "SourceSecurityGroupId";
const DESCRIPTION: (&str, &str) = ("Description", "Description");

/// Asks for name, description and VPC.
#[derive(Debug)]
pub struct NewSecurityGroup {
    name: String,
    description: String,
    vpc: Option<VpcId>,
    form: DialogForm,
}

impl NewSecurityGroup {
    /// For this VPC, or else for the only one there is.
    #[must_use]
    pub fn new(snapshot: &Snapshot, vpc: Option<VpcId>) -> Self {
        let only = || {
            let mut all = snapshot.vpcs.keys();
            all.next().filter(|_| all.next().is_none()).cloned()
        };
        Self {
            name: String::new(),
            description: String::new(),
            vpc: vpc.or_else(only),
            form: DialogForm::default(),
        }
    }
}

/// All VPCs, to choose one.
pub(super) fn vpcs(snapshot: &Snapshot) -> Vec<Choice<Option<VpcId>>> {
    let vpcs = snapshot.vpcs.values();
    vpcs.map(|vpc| Choice::new(Some(vpc.id.clone()), vpc.title()).detail(nets::blocks(vpc)))
        .collect()
}

impl FormDialog for NewSecurityGroup {
    fn title(&self) -> String {
        "Create security group".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create security group"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.hint("web").help("Unique in its VPC.")
        });
        form.text(ui, ABOUT, &mut self.description, |field| {
            field.hint("Web servers of the office")
        });
        let vpcs = vpcs(&cx.view.snapshot);
        form.choose(ui, VPC, &mut self.vpc, &vpcs, |field| {
            field
                .placeholder("Choose a VPC")
                .nothing("There is no VPC yet. Make one under VPCs and subnets")
        });
        kit::help(
            ui,
            "It begins with one outbound rule, for all traffic to everywhere, and lets nothing in.",
        );
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let name = self.name.trim();
        let vpc = self.vpc.as_ref().map(ToString::to_string);
        let command = Command::CreateSecurityGroup(CreateSecurityGroup {
            group_name: name.to_owned(),
            description: self.description.trim().to_owned(),
            vpc_id: vpc.unwrap_or_default(),
            tags: Tags::new(),
        });
        Ok(Act::command(command, format!("{name} created")))
    }

    fn follow(&mut self, cx: &mut Context<'_>, answer: Answer) {
        if let Answer::SecurityGroup(group) = answer {
            cx.ask(Action::ShowSecurityGroup(group.id));
        }
    }
}

/// Who is at the other end of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Cidr,
    Group,
}

/// Asks for a rule of a security group.
#[derive(Debug)]
pub struct AddRule {
    group: SecurityGroupId,
    vpc: VpcId,
    title: String,
    direction: Direction,
    protocol: Option<IpProtocol>,
    ports: String,
    end: End,
    cidr: String,
    peer: Option<SecurityGroupId>,
    description: String,
    form: DialogForm,
}

impl AddRule {
    /// A rule of `group` for one direction.
    #[must_use]
    pub fn new(group: &SecurityGroup, direction: Direction) -> Self {
        Self {
            group: group.id.clone(),
            vpc: group.vpc_id.clone(),
            title: group.name.clone(),
            direction,
            protocol: Some(IpProtocol::Tcp),
            ports: String::new(),
            end: End::Cidr,
            cidr: String::new(),
            peer: None,
            description: String::new(),
            form: DialogForm::default(),
        }
    }

    fn is_inbound(&self) -> bool {
        self.direction == Direction::Ingress
    }

    /// What the other end is called.
    fn end_word(&self) -> &'static str {
        if self.is_inbound() {
            "Source"
        } else {
            "Destination"
        }
    }

    fn traffic(&mut self, ui: &mut Ui, form: &mut DialogForm) {
        kit::two_columns(ui, |left, right| {
            let protocols = [
                Choice::new(None, "All traffic"),
                Choice::new(Some(IpProtocol::Tcp), "TCP"),
                Choice::new(Some(IpProtocol::Udp), "UDP"),
                Choice::new(Some(IpProtocol::Icmp), "ICMP"),
            ];
            form.choose(left, PROTOCOL, &mut self.protocol, &protocols, |field| {
                field
            });
            let words = ("Port range", "443 or 8000-8080", "Empty is all ports.");
            ports::field(right, form, words, self.protocol, &mut self.ports);
        });
    }

    fn other_end(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let word = self.end_word();
        kit::two_columns(ui, |left, right| {
            left.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 5.0;
                kit::fieldset(ui, word, "");
                let ends = [(End::Cidr, "CIDR"), (End::Group, "Security group")];
                if kit::segmented_form(ui, word, &mut self.end, &ends) {
                    form.changed(CIDR);
                    form.changed(GROUP);
                }
            });
            match self.end {
                End::Cidr => {
                    form.text(right, (CIDR, "CIDR"), &mut self.cidr, |field| {
                        field
                            .mono()
                            .hint("10.1.0.0/16")
                            .help("0.0.0.0/0 is everywhere.")
                    });
                }
                End::Group => {
                    let groups = choices(&cx.view.snapshot, &self.vpc);
                    let label = (GROUP, "Group");
                    form.choose(right, label, &mut self.peer, &groups, |field| {
                        field
                            .placeholder("Choose a group")
                            .help("Everything that has it, VPN clients included.")
                    });
                }
            }
        });
    }

    fn permission(&self) -> Result<Permission, Refusal> {
        let ports = ports(self.protocol, &self.ports)?;
        let (cidr, group_id) = match (self.end, &self.peer) {
            (End::Cidr, _) if self.cidr.trim().is_empty() => {
                return Err(Refusal::missing(CIDR, "10.1.0.0/16").cure("10.1.0.0/16"));
            }
            (End::Cidr, _) => (Some(self.cidr.trim().to_owned()), None),
            (End::Group, None) => return Err(Refusal::missing(GROUP, "one of the list")),
            (End::Group, Some(group)) => (None, Some(group.to_string())),
        };
        Ok(Permission {
            protocol: self.protocol.map_or("-1", IpProtocol::as_str).to_owned(),
            from_port: ports.map(|(from, _)| from.into()),
            to_port: ports.map(|(_, to)| to.into()),
            cidr,
            group_id,
            description: self.description.trim().to_owned(),
        })
    }
}

/// The groups of a VPC by name, to choose one.
fn choices(snapshot: &Snapshot, vpc: &VpcId) -> Vec<Choice<Option<SecurityGroupId>>> {
    groups_of(snapshot, vpc)
        .into_iter()
        .map(|group| {
            let detail = group.description.clone();
            Choice::new(Some(group.id.clone()), group.name.as_str()).detail(detail)
        })
        .collect()
}

impl FormDialog for AddRule {
    fn title(&self) -> String {
        let which = if self.is_inbound() {
            "an inbound rule"
        } else {
            "an outbound rule"
        };
        format!("Add {which} to {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Add rule"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.traffic(ui, form);
        self.other_end(cx, ui, form);
        form.text(ui, DESCRIPTION, &mut self.description, |field| {
            field.optional()
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let permission = self.permission()?;
        let rule = authorize(&self.group, self.direction, vec![permission]);
        Ok(Act::command(rule, "Rule added"))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// Adds rules of one direction to a group.
pub(in crate::app) fn authorize(
    group: &SecurityGroupId,
    direction: Direction,
    permissions: Vec<Permission>,
) -> Command {
    let fields = AuthorizeSecurityGroup {
        group_id: group.to_string(),
        permissions,
    };
    match direction {
        Direction::Ingress => Command::AuthorizeSecurityGroupIngress(fields),
        Direction::Egress => Command::AuthorizeSecurityGroupEgress(fields),
    }
}
