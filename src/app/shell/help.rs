//! Help, inside the program: the way from nothing to a connected client, and the keys.

use super::super::{
    context::Context,
    dialogs::{Dialog, Stay, sheet::sheet},
    kit::{self, Face, tokens, words},
};

/// The steps of the guide, in order, each with what it does.
const STEPS: [(&str, &str); 7] = [
    (
        "Make certificates",
        "A certificate authority, a server certificate, and one client certificate for each person. \
         Or import those you have from easy-rsa.",
    ),
    (
        "Create a Client VPN endpoint",
        "It gives clients addresses from its client CIDR, which meets no network they should reach.",
    ),
    (
        "Associate a target network",
        "A subnet of a VPC. The endpoint is then available, and its VPC has a route.",
    ),
    (
        "Authorize ingress",
        "Nothing is reached without a rule: the VPC's CIDR, or 0.0.0.0/0 for everything.",
    ),
    (
        "Create a route to the internet",
        "0.0.0.0/0 through the associated subnet, whose VPC has an internet gateway. Leave it out \
         with split tunnel.",
    ),
    (
        "Download the client configuration",
        "One file for any OpenVPN client; with a client certificate inside it is ready to use.",
    ),
    (
        "Connect",
        "sudo openvpn --config FILE.ovpn, or open the file in the client's window. The connection \
         then shows under Connections, or the attempt under Refused with its reason.",
    ),
];

/// Keys and what they do.
const KEYS: [(&str, &str); 20] = [
    ("Ctrl K", "Search, or run a command"),
    (
        "Ctrl N",
        "Create what the page lists; on Certificates, issue one",
    ),
    ("Ctrl F", "Filter the table, or search the log"),
    ("Ctrl 1 – 7", "Tabs of the endpoint or VPC"),
    (
        "Ctrl Z",
        "Undo what was just done; on Event history, your last change",
    ),
    ("Ctrl Enter", "Do what the dialog's button says"),
    ("Ctrl ,", "Settings"),
    ("Ctrl + / − / 0", "Larger, smaller, as at first"),
    ("F1", "This help"),
    ("F2", "Modify the selected endpoint"),
    ("F5", "Read the log or the event history again"),
    (
        "↑ ↓ Page Home End",
        "Go through the rows; with Shift, select them",
    ),
    ("A – Z", "Go to the row that begins so"),
    ("Enter", "Open the row"),
    ("Space", "Select the row, or no longer"),
    ("Ctrl A", "Select all rows"),
    ("Ctrl C", "Copy the selected rows"),
    ("Shift F10", "Menu of the row"),
    ("Del", "Delete, revoke or terminate what is selected"),
    (
        "Esc",
        "Close the dialog or panel, clear the filter, select nothing",
    ),
];

/// The help.
pub(super) struct Help;

impl Dialog for Help {
    fn ui(&mut self, _cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        sheet(ctx, "Help", |ui| {
            kit::panel_title(ui, "From nothing to a connected client");
            for (number, (step, what)) in STEPS.iter().enumerate() {
                let t = tokens(ui);
                words()
                    .add(&format!("{}  {step}. ", number + 1), Face::NAME, t.strong)
                    .add(what, Face::BODY, t.text)
                    .ui(ui);
            }
            ui.add_space(8.0);
            kit::panel_title(ui, "Keys");
            ui.spacing_mut().item_spacing.y = 2.0;
            for (keys, what) in KEYS {
                ui.horizontal(|ui| {
                    ui.set_min_height(22.0);
                    let before = ui.cursor().left();
                    kit::key_cap(ui, keys);
                    ui.add_space((150.0 - (ui.cursor().left() - before)).max(0.0));
                    kit::weak(ui, what);
                });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        path::{Path, PathBuf},
    };

    use super::KEYS;

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }

    /// The name of a key on its cap.
    fn cap(key: &str) -> &str {
        match key {
            "Comma" => ",",
            "Delete" => "Del",
            "Escape" => "Esc",
            key => key.strip_prefix("Num").unwrap_or(key),
        }
    }

    /// The keys that `text` waits for behind `words`, as they stand on their caps.
    fn bound<'t>(text: &'t str, words: &str) -> impl Iterator<Item = &'t str> {
        let after = text.split(words).skip(1).collect::<Vec<_>>().into_iter();
        after.filter_map(|after| {
            let key = after.trim_start().strip_prefix("Key::")?;
            key.split(|c: char| !c.is_alphanumeric()).next().map(cap)
        })
    }

    /// The keys of pages and of the shell.
    fn all_bound() -> BTreeSet<String> {
        let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
        let mut files = Vec::new();
        sources(&app.join("screens"), &mut files);
        sources(&app.join("shell"), &mut files);
        let mut all = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let with_ctrl = ["shortcut(ui,", "consume_key(Modifiers::COMMAND,"]
                .into_iter()
                .flat_map(|words| bound(text, words));
            all.extend(with_ctrl.map(|key| format!("Ctrl {key}")));
            all.extend(bound(text, "cx.key(ui,").map(str::to_owned));
            all.extend(bound(text, "cx.key(ui, egui::").map(str::to_owned));
        }
        all
    }

    /// Keys of tables, dialogs and the window itself, which no page asks for.
    const OF_THE_KIT: [&str; 10] = [
        "Ctrl Enter",
        "Ctrl + / − / 0",
        "↑ ↓ Page Home End",
        "A – Z",
        "Enter",
        "Space",
        "Ctrl A",
        "Ctrl C",
        "Shift F10",
        "Ctrl 1 – 7",
    ];

    #[test]
    fn the_help_lists_every_key_that_works_and_no_other() {
        let listed: BTreeSet<&str> = KEYS.iter().map(|(keys, _)| *keys).collect();
        let mut bound = all_bound();
        // It is said of all pages by the shell.
        bound.insert("F1".to_owned());
        for key in &bound {
            assert!(listed.contains(key.as_str()), "{key} is not in the help");
        }
        for key in listed {
            let works = bound.contains(key) || OF_THE_KIT.contains(&key);
            assert!(works, "{key} does nothing");
        }
    }
}
