//! The README's commands, as they stand there, lead to a tunnel.

use std::fs;

use crate::{
    gateway::{Gateway, Mode},
    lab::{Lab, PUBLIC, SUBNET, TARGET, VPC, run},
    site::{PATIENT, Site},
    stock::StockClient,
};

#[test]
fn the_commands_of_the_readme_let_alice_through() {
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let gateway = Gateway::start(&lab, Mode::UserSpace);
    let readme = include_str!("../../README.md");
    let chapter = readme
        .split("\n## ")
        .find(|chapter| chapter.starts_with("The first tunnel, by command line"))
        .expect("the README has this chapter");
    // The first block builds and starts the program, which the lab has done.
    let commands = chapter
        .split("```sh\n")
        .nth(2)
        .and_then(|rest| rest.split("```").next())
        .expect("the second block has the commands")
        .replace("vpn.example.com", &PUBLIC.to_string())
        .replace("10.0.0.0/16", VPC)
        .replace("10.0.0.0/24", SUBNET);

    let folder = lab.path("newcomer");
    fs::create_dir(&folder).expect("the lab's directory is ours");
    run(gateway.shell(&commands).current_dir(&folder));

    let here = lab.client();
    let file = folder.join("alice.ovpn");
    let mut client = StockClient::start_with_file(&lab, &here, &file, &[]);
    client.wait_connected();
    PATIENT.page(&here, TARGET).expect("the target answers");
}
