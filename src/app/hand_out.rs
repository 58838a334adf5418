//! What is handed out with a client configuration: the steps for each client system, as a page of
//! the window, as text and as a page of its own that needs nothing beside it.

/// Where a client runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// OpenVPN GUI.
    Windows,
    /// Tunnelblick.
    MacOs,
    /// The command line.
    Linux,
    /// The desktop's network settings.
    NetworkManager,
    /// OpenVPN Connect.
    Ios,
    /// OpenVPN for Android.
    Android,
}

impl System {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 6] = [
        Self::Windows,
        Self::MacOs,
        Self::Linux,
        Self::NetworkManager,
        Self::Ios,
        Self::Android,
    ];

    /// Its name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::Linux => "Linux, command line",
            Self::NetworkManager => "Linux, NetworkManager",
            Self::Ios => "iOS",
            Self::Android => "Android",
        }
    }
}

/// What the steps say of the endpoint and of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOut {
    /// The endpoint's name.
    pub endpoint: String,
    /// The host that clients connect to, as it is described: with a star where clients put a random
    /// label.
    pub host: String,
    /// "UDP 443".
    pub transport: String,
    /// The file's own name.
    pub file: String,
    /// Whether certificate and key are inside, as far as it is known which file it is.
    pub has_private_key: Option<bool>,
    /// Only the endpoint's networks go through the tunnel.
    pub split_tunnel: bool,
    /// Clients are told DNS servers.
    pub has_dns: bool,
}

/// One thing to do, and what to type for it where that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In words.
    pub words: String,
    /// A line for a shell.
    pub command: Option<String>,
}

fn step(words: impl Into<String>) -> Step {
    Step {
        words: words.into(),
        command: None,
    }
}

fn run(words: impl Into<String>, command: impl Into<String>) -> Step {
    Step {
        words: words.into(),
        command: Some(command.into()),
    }
}

impl HandOut {
    /// The name that a client gives the connection.
    fn connection(&self) -> &str {
        self.file.strip_suffix(".ovpn").unwrap_or(&self.file)
    }

    /// The file's name for a shell.
    fn quoted(&self) -> String {
        format!("'{}'", self.file.replace('\'', r"'\''"))
    }

    /// What to do on a system.
    #[must_use]
    pub fn steps(&self, system: System) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.has_private_key != Some(true) {
            let known = self.has_private_key.is_some();
            let put = if known {
                "Put"
            } else {
                "If no certificate and key are inside yet, put"
            };
            steps.push(step(format!(
                "{put} your own certificate and private key into {} with a text editor: between \
                 <cert> and </cert>, and between <key> and </key>, at its end.",
                self.file
            )));
        }
        steps.extend(match system {
            System::Windows => self.windows(),
            System::MacOs => self.macos(),
            System::Linux => self.linux(),
            System::NetworkManager => self.network_manager(),
            System::Ios => self.ios(),
            System::Android => self.android(),
        });
        steps
    }

    fn windows(&self) -> Vec<Step> {
        let (file, name) = (&self.file, self.connection());
        vec![
            step("Install OpenVPN from openvpn.net/community-downloads and start OpenVPN GUI."),
            step(format!(
                "Right-click its icon in the notification area, near the clock; choose Import, Import file, and then {file}."
            )),
            step(format!(
                "Right-click the icon again and choose Connect, under {name} where there are several. The icon turns green once you are connected."
            )),
        ]
    }

    fn macos(&self) -> Vec<Step> {
        vec![
            step("Install Tunnelblick from tunnelblick.net and start it."),
            step(format!(
                "Double-click {} in the Finder and choose Only Me.",
                self.file
            )),
            step(format!(
                "Click Tunnelblick's icon in the menu bar and choose Connect {}.",
                self.connection()
            )),
        ]
    }

    fn linux(&self) -> Vec<Step> {
        let file = self.quoted();
        let mut connect = format!("sudo openvpn --config {file}");
        let mut steps = vec![run(
            "Install OpenVPN; this is for Debian and Ubuntu.",
            "sudo apt install openvpn",
        )];
        if self.has_dns {
            steps.push(run(
                "For the DNS servers of the VPN, let systemd-resolved know them.",
                "sudo apt install openvpn-systemd-resolved",
            ));
            let script = "/etc/openvpn/update-systemd-resolved";
            connect.push_str(&format!(
                " --script-security 2 --up {script} --up-restart --down {script} --down-pre"
            ));
        }
        steps.push(run(
            "Keep the file to yourself.",
            format!("chmod 600 {file}"),
        ));
        steps.push(run(
            "Connect. \"Initialization Sequence Completed\" means that you are connected; Ctrl C ends it.",
            connect,
        ));
        steps
    }

    fn network_manager(&self) -> Vec<Step> {
        let file = self.quoted();
        let name = format!("'{}'", self.connection().replace('\'', r"'\''"));
        let mut steps = vec![
            run(
                "Install NetworkManager's plugin; this is for Debian and Ubuntu.",
                "sudo apt install network-manager-openvpn-gnome",
            ),
            run(
                format!(
                    "In Settings, Network, VPN choose +, Import from file, and then {}. Or in a terminal:",
                    self.file
                ),
                format!("nmcli connection import type openvpn file {file}"),
            ),
        ];
        if self.split_tunnel {
            steps.push(run(
                "Under IPv4 tick \"Use this connection only for resources on its network\". Or:",
                format!("nmcli connection modify {name} ipv4.never-default yes"),
            ));
        }
        steps.push(run(
            "Switch the VPN on in the menu of the system. Or:",
            format!("nmcli connection up {name}"),
        ));
        steps
    }

    fn ios(&self) -> Vec<Step> {
        vec![
            step("Install OpenVPN Connect from the App Store."),
            step(format!(
                "Send {} to the device with AirDrop, or put it into Files. Tap it, then Share, and choose OpenVPN.",
                self.file
            )),
            step(
                "Tap Add, then the switch of the profile. Allow the VPN configuration when it asks.",
            ),
        ]
    }

    fn android(&self) -> Vec<Step> {
        vec![
            step("Install OpenVPN for Android from Google Play or F-Droid."),
            step(format!(
                "Put {} onto the device. In the app tap +, then Import, and choose it.",
                self.file
            )),
            step(
                "Tap the profile. Allow the VPN connection when it asks; a key in the status bar means that you are connected.",
            ),
        ]
    }

    /// What holds on every system.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = vec![match self.host.strip_prefix("*.") {
            Some(rest) => format!(
                "The gateway is any name that ends in .{rest}, {}: your client puts a random label before it at each connection.",
                self.transport
            ),
            None => format!("The gateway is {}, {}.", self.host, self.transport),
        }];
        notes.push(
            match self.split_tunnel {
                true => "Only traffic for the company's networks goes through the VPN.",
                false => "While you are connected, all your traffic goes through the VPN.",
            }
            .to_owned(),
        );
        if self.has_private_key != Some(false) {
            let holds = match self.has_private_key {
                Some(_) => "holds your private key",
                None => "may hold your private key",
            };
            notes.push(format!(
                "{} {holds}: whoever has it can connect as you. Do not pass it on, and delete the message that brought it.",
                self.file
            ));
        }
        notes.push(
            "If it does not connect, tell your administrator the time and what the client says."
                .to_owned(),
        );
        notes
    }

    /// The title of what is handed out.
    #[must_use]
    pub fn title(&self) -> String {
        format!("How to connect to {}", self.endpoint)
    }

    /// The steps of one system as text.
    #[must_use]
    pub fn text_of(&self, system: System) -> String {
        let mut text = format!("{}\n", system.title());
        for (number, step) in self.steps(system).iter().enumerate() {
            text.push_str(&format!("{}. {}\n", number + 1, step.words));
            if let Some(command) = &step.command {
                text.push_str(&format!("       {command}\n"));
            }
        }
        text
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.title());
        for note in self.notes() {
            text.push_str(&format!("- {note}\n"));
        }
        for system in System::ALL {
            text.push_str(&format!("\n{}", self.text_of(system)));
        }
        text
    }

    /// Everything as a page that needs nothing beside it: no script, no picture, no font.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escaped(&self.title());
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<ul>\n"
        );
        for note in self.notes() {
            page.push_str(&format!("<li>{}</li>\n", escaped(&note)));
        }
        page.push_str("</ul>\n");
        for system in System::ALL {
            page.push_str(&format!("<section>\n<h2>{}</h2>\n<ol>\n", system.title()));
            for step in self.steps(system) {
                page.push_str(&format!("<li>{}", escaped(&step.words)));
                if let Some(command) = &step.command {
                    page.push_str(&format!("<pre>{}</pre>", escaped(command)));
                }
                page.push_str("</li>\n");
            }
            page.push_str("</ol>\n</section>\n");
        }
        page.push_str("</body>\n</html>\n");
        page
    }
}

/// The reader's own colours and fonts; no system is torn apart between two printed pages.
const STYLE: &str = "html{color-scheme:light dark}\
    body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}\
    pre{font:14px/1.4 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;\
    border:1px solid;border-radius:4px;padding:.5rem;margin:.3rem 0}\
    section{break-inside:avoid}h1{font-size:1.6rem}h2{font-size:1.15rem}";

/// Text as it stands in a page: names are typed by people.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hand_out() -> HandOut {
        HandOut {
            endpoint: "corp <staff> & 'co'".to_owned(),
            host: "*.cvpn-endpoint-0a.vpn.example.com".to_owned(),
            transport: "UDP 443".to_owned(),
            file: "corp-a.lindqvist.ovpn".to_owned(),
            has_private_key: Some(true),
            split_tunnel: false,
            has_dns: false,
        }
    }

    #[test]
    fn each_system_has_steps_that_name_the_file() {
        let it = hand_out();
        for system in System::ALL {
            let text = it.text_of(system);
            assert!(text.contains("corp-a.lindqvist.ovpn"), "{text}");
            assert!(it.steps(system).len() >= 3, "{text}");
        }
        let all = it.text();
        assert!(System::ALL.iter().all(|it| all.contains(it.title())));
    }

    #[test]
    fn names_typed_by_people_are_text_in_the_page() {
        let page = hand_out().html();
        assert!(page.contains("corp &lt;staff&gt; &amp; &#39;co&#39;"));
        assert!(!page.contains("<staff>"));
        for outside in ["<script", "http://", "https://", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_name_with_a_label_of_chance_says_so() {
        let mut it = hand_out();
        let said = &it.notes()[0];
        assert!(said.contains("ends in .cvpn-endpoint-0a.vpn.example.com, UDP 443"));
        it.host = "203.0.113.7".to_owned();
        assert_eq!(it.notes()[0], "The gateway is 203.0.113.7, UDP 443.");
    }

    #[test]
    fn what_the_endpoint_does_changes_the_steps() {
        let mut it = hand_out();
        let words = |it: &HandOut, system| it.text_of(system);
        assert!(!words(&it, System::NetworkManager).contains("never-default"));
        assert!(!words(&it, System::Linux).contains("update-systemd-resolved"));
        it.split_tunnel = true;
        it.has_dns = true;
        it.has_private_key = Some(false);
        assert!(words(&it, System::NetworkManager).contains("never-default yes"));
        assert!(words(&it, System::Linux).contains("--up /etc/openvpn/update-systemd-resolved"));
        assert!(words(&it, System::Ios).contains("between <cert> and </cert>"));
        assert!(!it.notes().iter().any(|note| note.contains("private key")));
        it.has_private_key = None;
        assert!(words(&it, System::Ios).contains("If no certificate and key are inside yet, put"));
        assert!(
            it.notes()
                .iter()
                .any(|note| note.contains("may hold your private key"))
        );
    }

    #[test]
    fn a_file_name_is_one_word_to_a_shell() {
        let mut it = hand_out();
        it.file = "it's mine.ovpn".to_owned();
        let text = it.text_of(System::Linux);
        assert!(text.contains(r"--config 'it'\''s mine.ovpn'"), "{text}");
    }
}
