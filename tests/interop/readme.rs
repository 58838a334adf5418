//! The README's commands, as they stand there and in their order, lead to a tunnel and to what the
//! chapters promise.

use std::{fs, path::PathBuf};

use crate::{
    gateway::{Gateway, Mode},
    lab::{Lab, OTHER_SUBNET, PUBLIC, SUBNET, TARGET, VPC, run},
    site::{PATIENT, PORT, Site},
    stock::StockClient,
};

/// Somebody who pastes one block of commands after the other into one shell.
struct Newcomer<'l> {
    gateway: Gateway<'l>,
    folder: PathBuf,
    /// Names of the variables that the blocks so far have set.
    variables: Vec<String>,
}

impl<'l> Newcomer<'l> {
    fn arrive(lab: &'l Lab) -> Self {
        let folder = lab.path("newcomer");
        fs::create_dir(&folder).expect("the lab's directory is ours");
        fs::write(folder.join("variables"), "").expect("it is a moment old");
        Self {
            gateway: Gateway::start(lab, Mode::UserSpace),
            folder,
            variables: Vec::new(),
        }
    }

    /// Carries a block out; answers what it printed.
    ///
    /// # Panics
    /// When one of its commands fails.
    fn paste(&mut self, block: &str) -> String {
        let names = block.lines().filter_map(|line| line.split_once('='));
        let names = names.map(|(name, _)| name);
        let names = names.filter(|name| name.chars().all(|c| c.is_ascii_uppercase()));
        self.variables.extend(names.map(str::to_owned));
        let all = self.variables.join(" ");
        // The next block finds them as in one shell.
        let commands = format!(". ./variables\n{block}\ndeclare -p {all} > variables");
        run(self.gateway.shell(&commands).current_dir(&self.folder))
    }
}

/// A block of a chapter, with the lab's networks in place of the README's.
fn block(chapter: &str, number: usize) -> String {
    let readme = include_str!("../../README.md");
    let chapter = readme
        .split("\n## ")
        .find(|it| it.lines().next() == Some(chapter))
        .unwrap_or_else(|| panic!("the README has no chapter {chapter}"));
    let block = chapter
        .split("```sh\n")
        .nth(number)
        .and_then(|rest| rest.split("```").next());
    block
        .unwrap_or_else(|| panic!("the chapter has no block {number}"))
        .replace("vpn.example.com", &PUBLIC.to_string())
        .replace("10.0.0.0/16", VPC)
        .replace("10.0.0.0/24", SUBNET)
        .replace("10.0.1.0/24", OTHER_SUBNET)
        .replace("10.0.0.9", &TARGET.to_string())
        .replace("5432", &PORT.to_string())
}

#[test]
fn the_commands_of_the_readme_let_alice_through() {
    const TUNNEL: &str = "The first tunnel, by command line";
    let Some(lab) = Lab::build() else { return };
    let _site = Site::open(&lab.target, TARGET);
    let mut newcomer = Newcomer::arrive(&lab);
    // The chapter's first block builds and starts the program, which the lab has done.
    newcomer.paste(&block(TUNNEL, 2));

    let here = lab.client();
    let file = newcomer.folder.join("alice.ovpn");
    let mut client = StockClient::start_with_file(&lab, &here, &file, &[]);
    client.wait_connected();
    PATIENT.page(&here, TARGET).expect("the target answers");
    let told = newcomer.paste(&block(TUNNEL, 3));
    assert!(told.contains("ConnectionStatuses"), "{told}");
    drop(client);

    let told = newcomer.paste(&block("Who may reach what, and why", 1));
    assert!(told.contains(r#""Verdict": "allow""#), "{told}");
    newcomer.paste(&block(
        "Networks, security groups and what a VPC reaches",
        1,
    ));
    let mut client = StockClient::start_with_file(&lab, &here, &file, &[]);
    client.wait_connected();
    let told = newcomer.paste(&block("Looking after an endpoint", 1));
    drop(client);
    assert!(told.contains("AWSServiceRoleForClientVPN"), "{told}");
    // Followed, it would go on.
    let log = block("The connection log", 1).replace(" --follow", "");
    newcomer.paste(&log);
    let told = newcomer.paste(&block("Who did what", 1));
    assert!(
        told.contains(r#""EventName": "ModifyClientVpnEndpoint""#),
        "{told}"
    );
    fs::write(
        newcomer.folder.join("passphrase"),
        "correct horse battery staple",
    )
    .expect("the lab's directory is ours");
    // Nobody is there who could be asked.
    let backup = block("Backup and restore", 1)
        .replace("vpn.backup", "vpn.backup --passphrase-file passphrase")
        .replace("restore", "restore --yes");
    let told = newcomer.paste(&backup);
    // Once by "show" and once by "restore".
    assert_eq!(
        told.matches(r#""ReadmittedCertificates": 0"#).count(),
        2,
        "{told}"
    );
    let told = newcomer.paste(&block("Checking", 1));
    for promised in [
        r#""SessionsLookedAt":"#,
        r#""Complete": true"#,
        r#""Passed": true"#,
        r#""Drops":"#,
        r#""Findings":"#,
    ] {
        assert!(told.contains(promised), "{promised}: {told}");
    }

    fs::write(newcomer.folder.join("names.txt"), "carol\ndave\n")
        .expect("the lab's directory is ours");
    let many = block(TUNNEL, 4);
    // What comes after is of files that others made.
    let ours = many.split("gatehouse acm").next().unwrap_or_default();
    newcomer.paste(ours);
    assert!(newcomer.folder.join("profiles/carol.ovpn").exists());
    newcomer.paste(&block(TUNNEL, 5));
    let told = newcomer.paste(&block(TUNNEL, 6));
    assert!(told.contains("-----BEGIN X509 CRL-----"), "{told}");
    let mut client = StockClient::start_with_file(&lab, &here, &file, &[]);
    client.wait_refused();
}
