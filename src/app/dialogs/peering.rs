//! Create a peering connection of two VPCs.

use egui::Ui;

use super::create_vpc::{NAME, named};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::Choice,
        nets,
    },
    model::{Command, Refusal, Snapshot, Vpc, VpcId, command::CreatePeeringConnection},
};

const PEER: (&str, &str) = ("PeerVpcId", "VPC to peer with");

/// Asks for name and the other VPC.
#[derive(Debug)]
pub struct NewPeering {
    vpc: Vpc,
    name: String,
    peer: Option<VpcId>,
    form: DialogForm,
}

impl NewPeering {
    /// A peering connection that `vpc` asks for.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            peer: None,
            form: DialogForm::default(),
        }
    }

    fn peers(&self, snapshot: &Snapshot) -> Vec<Choice<Option<VpcId>>> {
        let others = snapshot.vpcs.values().filter(|vpc| vpc.id != self.vpc.id);
        others
            .map(|vpc| Choice::new(Some(vpc.id.clone()), vpc.title()).detail(nets::blocks(vpc)))
            .collect()
    }
}

impl FormDialog for NewPeering {
    fn title(&self) -> String {
        "Create peering connection".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create peering connection"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("office-lab")
        });
        let peers = self.peers(&cx.view.snapshot);
        let help = "It is accepted in a second step. Then each VPC reaches the other's blocks, where its route table says so.";
        form.choose(ui, PEER, &mut self.peer, &peers, |field| {
            field
                .placeholder("Choose a VPC")
                .nothing("There is no other VPC yet. Create one first")
                .help(help)
        });
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(peer) = &self.peer else {
            return Err(Refusal::missing(PEER.0, "one of the list"));
        };
        let command = Command::CreateVpcPeeringConnection(CreatePeeringConnection {
            vpc_id: self.vpc.id.to_string(),
            peer_vpc_id: peer.to_string(),
            tags: named(&self.name),
        });
        let peer = cx.view.snapshot.vpcs.get(peer);
        let peer = peer.map_or("the other VPC", |vpc| vpc.title());
        let done = format!("Peering with {peer} requested: accept it now");
        Ok(Act::command(command, done))
    }
}
