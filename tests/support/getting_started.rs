//! Walks through Getting Started by accessible labels only, as a person would.

use std::path::PathBuf;

use super::window::Window;

/// What the person answers in the guide.
pub(crate) struct Answers {
    /// Where the certificates come from.
    pub(crate) certificates: Certificates,
    /// The endpoint's name.
    pub(crate) endpoint: String,
    /// What clients are told to connect to.
    pub(crate) public_address: String,
    /// The client range; none takes what is proposed.
    pub(crate) range: Option<String>,
    /// `UDP` or `TCP`.
    pub(crate) transport: &'static str,
    /// The port; none takes what is proposed.
    pub(crate) port: Option<u16>,
    /// The target network, entered by hand.
    pub(crate) network: String,
    /// Whether clients get a way to the internet.
    pub(crate) internet: bool,
    /// The first client's name.
    pub(crate) client: String,
    /// Where the configuration file is saved.
    pub(crate) file: PathBuf,
}

/// Where the certificates come from.
pub(crate) enum Certificates {
    /// Made in the guide.
    Make,
    /// Files as easy-rsa makes them. With the authority's key the guide can issue certificates for
    /// clients.
    Bring {
        /// `ca.crt`
        ca: PathBuf,
        /// `ca.key`
        ca_key: PathBuf,
        /// `server.crt`
        server: PathBuf,
        /// `server.key`
        server_key: PathBuf,
    },
}

/// Walks through all six steps and saves the configuration file, whose path is returned. The guide
/// then waits for the first connection; `window.wait_for("is connected")` sees it turn green.
///
/// The window may be on any console. On a gateway that runs elsewhere, such as `gatehouse serve`
/// in a network namespace, attach to its data directory first:
///
/// ```ignore
/// #[path = "../support/mod.rs"]
/// mod support;
///
/// let runtime = tokio::runtime::Runtime::new()?;
/// let remote = runtime.block_on(Remote::attach(data_dir, Face::Window, Follow::Views))?;
/// let mut window = support::window::Window::open(Arc::new(remote), runtime.handle());
/// let file = support::getting_started::walk_through(&mut window, &answers);
/// // … start openvpn --config file …
/// window.wait_for("is connected");
/// ```
///
/// The window can be in another namespace than the gateway: the control socket is a file.
pub(crate) fn walk_through(window: &mut Window, answers: &Answers) -> PathBuf {
    window.go("Getting Started");
    certificates(window, &answers.certificates);
    endpoint(window, answers);
    network(window, &answers.network);
    window.wait_for("Authorize access");
    window.press("Authorize and continue");
    internet(window, answers.internet);
    client(window, answers);
    answers.file.clone()
}

/// Step 1.
pub(crate) fn certificates(window: &mut Window, from: &Certificates) {
    window.wait_for("Step 1 of 6");
    match from {
        Certificates::Make => window.press("Create and continue"),
        Certificates::Bring {
            ca,
            ca_key,
            server,
            server_key,
        } => {
            window.press_containing("Bring your own");
            for (button, file) in [
                ("Choose ca.crt…", ca),
                ("Choose server.crt…", server),
                ("Choose ca.key…", ca_key),
                ("Choose server.key…", server_key),
            ] {
                window.open_file(button, file);
            }
            window.press("Import and continue");
        }
    }
    window.wait_for("Step 2 of 6");
}

/// Step 2.
pub(crate) fn endpoint(window: &mut Window, answers: &Answers) {
    window.wait("a proposed port", |window| !window.value("Port").is_empty());
    window.fill("Name", &answers.endpoint);
    window.fill("Public address", &answers.public_address);
    if let Some(range) = &answers.range {
        window.fill("Client range", range);
    }
    window.press(answers.transport);
    if let Some(port) = answers.port {
        window.fill("Port", &port.to_string());
    }
    window.press("Create endpoint and continue");
    window.wait_for("Step 3 of 6");
}

/// Step 3.
pub(crate) fn network(window: &mut Window, cidr: &str) {
    // The machine's networks push what is below them down when they come: press nothing before.
    window.wait_to_press("Look again");
    window.press("Enter a network by hand");
    window.fill("Network", cidr);
    window.press("Associate and continue");
    window.wait_for("Step 4 of 6");
}

/// Step 5.
pub(crate) fn internet(window: &mut Window, wanted: bool) {
    window.wait_for("Step 5 of 6");
    if wanted {
        window.press_containing("The internet too");
        window.press("Add route and continue");
    } else {
        window.press("Continue without");
    }
    window.wait_for("Step 6 of 6");
}

/// Step 6.
pub(crate) fn client(window: &mut Window, answers: &Answers) {
    window.fill("Name of the client", &answers.client);
    window.files.next_target(&answers.file);
    window.press("Save client configuration…");
    window.wait_for("Saved ");
}
