//! The page that is handed out with a client configuration: read here, copied, saved beside the
//! file, or opened to be printed.

use std::path::{Path, PathBuf};

use egui::{OpenUrl, Ui};

use super::{Dialog, Stay, sheet::sheet};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context},
        files,
        hand_out::{HandOut, System},
        kit::{self, Tab, Tone, icons},
    },
    model::{
        Answer, Command, Endpoint, EndpointId, Refusal,
        command::{Describe, EndpointDescription},
    },
};

/// The page.
pub struct HandOutPage {
    /// The configuration that was saved, where one was.
    file: Option<PathBuf>,
    /// Whether that one holds a private key.
    has_private_key: Option<bool>,
    system: System,
    asking: Work<Answer>,
    page: Option<HandOut>,
    refusal: Option<String>,
    saving: Work<Option<PathBuf>>,
    saved: Option<PathBuf>,
}

/// In which form it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Page,
    Text,
}

impl HandOutPage {
    /// For an endpoint, and the configuration file if one was just saved, with whether it holds a
    /// private key.
    #[must_use]
    pub fn new(cx: &Context<'_>, endpoint: &EndpointId, saved: Option<(PathBuf, bool)>) -> Self {
        let mut asking = Work::default();
        let describe = Describe {
            ids: vec![endpoint.to_string()],
            ..Describe::default()
        };
        asking.start(
            cx.backend
                .call(Command::DescribeClientVpnEndpoints(describe)),
        );
        let (file, has_private_key) = saved.unzip();
        Self {
            file,
            has_private_key,
            system: System::Windows,
            asking,
            page: None,
            refusal: None,
            saving: Work::default(),
            saved: None,
        }
    }

    fn take_in(&mut self, cx: &mut Context<'_>) {
        match self.asking.poll() {
            Some(Ok(Answer::Endpoints(found))) => {
                let found = found.into_iter().next();
                self.page = found.map(|it| self.made_of(&it));
            }
            Some(Ok(_)) => self.refusal = Some(crate::app::form::unexpected().message),
            Some(Err(refusal)) => self.refusal = Some(refusal.message),
            None => {}
        }
        match self.saving.poll() {
            Some(Ok(Some(path))) => {
                cx.ask(Action::Toast(format!("Saved as {}", path.display())));
                self.saved = Some(path);
            }
            Some(Ok(None)) | None => {}
            Some(Err(refusal)) => cx.ask(Action::Trouble(refusal.message)),
        }
    }

    fn made_of(&self, described: &EndpointDescription) -> HandOut {
        let endpoint = &described.endpoint;
        let name = self.file.as_deref().and_then(Path::file_name);
        HandOut {
            endpoint: endpoint.title().to_owned(),
            host: described.dns_name.clone(),
            transport: transport(endpoint),
            file: match name {
                Some(name) => name.to_string_lossy().into_owned(),
                None => "client.ovpn".to_owned(),
            },
            has_private_key: self.has_private_key,
            split_tunnel: endpoint.split_tunnel,
            has_dns: !endpoint.dns_servers.is_empty(),
        }
    }

    /// Writes it beside the configuration; where something is there already, or there is no
    /// configuration, the person says where.
    fn save(&mut self, cx: &Context<'_>, page: &HandOut, kind: Kind) {
        let (extension, text) = match kind {
            Kind::Page => ("html", page.html()),
            Kind::Text => ("txt", page.text()),
        };
        let beside = self.file.as_ref().map(|it| it.with_extension(extension));
        let files = std::sync::Arc::clone(cx.files);
        let proposed = format!("{}.{extension}", page.file.trim_end_matches(".ovpn"));
        self.saving.start(cx.backend.spawn(async move {
            let free = beside.filter(|path| !path.exists());
            let path = match free {
                Some(path) => path,
                None => match files.choose_target("Save the steps", &proposed).await {
                    Some(path) => path,
                    None => return Ok(None),
                },
            };
            files::write_private(&path, text.as_bytes())?;
            Ok::<_, Refusal>(Some(path))
        }));
    }

    fn buttons(&mut self, cx: &Context<'_>, page: &HandOut, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let copy = kit::button("Copy these steps").icon(icons::COPY);
            if copy.clicked(ui) {
                ui.ctx().copy_text(page.text_of(self.system));
            }
            let beside = self.file.is_some();
            let (html, text) = match beside {
                true => ("Save as a page beside it", "Save as text beside it"),
                false => ("Save as a page…", "Save as text…"),
            };
            for (words, kind) in [(html, Kind::Page), (text, Kind::Text)] {
                let button = kit::button(words).icon(icons::FILE_TEXT);
                if button.working(self.saving.is_running()).clicked(ui) && !self.saving.is_running()
                {
                    self.save(cx, page, kind);
                }
            }
            if let Some(path) = &self.saved
                && kit::button("Open to print")
                    .icon(icons::ARROW_SQUARE_OUT)
                    .clicked(ui)
            {
                ui.ctx().open_url(OpenUrl::new_tab(file_url(path)));
            }
        });
    }
}

impl Dialog for HandOutPage {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        self.take_in(cx);
        let page = self.page.clone();
        let title = page
            .as_ref()
            .map_or_else(|| "How to connect".to_owned(), HandOut::title);
        sheet(ctx, &title, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            if let Some(refusal) = &self.refusal {
                kit::banner(Tone::Danger, refusal).ui(ui);
            }
            let Some(page) = &page else {
                if self.refusal.is_none() {
                    kit::help(ui, "Looking at the endpoint…");
                }
                return;
            };
            self.buttons(cx, page, ui);
            let tabs = System::ALL.map(|it| Tab::new(it, short(it)));
            kit::tabs(ui, "Client systems", &mut self.system, &tabs);
            steps(ui, page, self.system);
            ui.add_space(4.0);
            kit::fieldset(ui, "Good to know", "");
            for note in page.notes() {
                kit::body(ui, &note);
            }
            kit::help(
                ui,
                "OpenVPN's command line on Linux is tested with Gatehouse; the other steps are as \
                 the makers of the clients describe them.",
            );
        })
    }
}

/// The name of a tab: six stand side by side.
const fn short(system: System) -> &'static str {
    match system {
        System::Linux => "Linux",
        System::NetworkManager => "NetworkManager",
        other => other.title(),
    }
}

fn steps(ui: &mut Ui, page: &HandOut, system: System) {
    kit::panel_title(ui, system.title());
    for (number, step) in page.steps(system).iter().enumerate() {
        kit::body(ui, &format!("{}. {}", number + 1, step.words));
        if let Some(command) = &step.command {
            ui.horizontal(|ui| {
                ui.add_space(16.0);
                let what = format!("command of step {}", number + 1);
                kit::copyable(ui, &what, command);
            });
        }
    }
}

fn transport(endpoint: &Endpoint) -> String {
    let transport = endpoint.transport.to_string().to_uppercase();
    format!("{transport} port {}", endpoint.port)
}

/// The file as a browser finds it: what is no plain letter is spelled by its bytes (RFC 3986).
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::{
            EndpointState,
            command::{ClientConfiguration, Secret},
        },
    };

    fn console() -> Arc<FakeConsole> {
        let (snapshot, live) = sample::office();
        let endpoint = snapshot.endpoints[&sample::endpoint_id(1)].clone();
        let console = FakeConsole::new(snapshot, live);
        console.answer(move |request| match &request.command {
            Command::DescribeClientVpnEndpoints(_) => {
                Some(Ok(Answer::Endpoints(vec![EndpointDescription {
                    state: EndpointState::Available,
                    dns_name: "*.cvpn-endpoint-1.vpn.example.com".to_owned(),
                    associations: Vec::new(),
                    endpoint: endpoint.clone(),
                }])))
            }
            Command::ExportClientVpnClientConfiguration(_) => {
                Some(Ok(Answer::ClientConfiguration(ClientConfiguration {
                    text: Secret::new(b"client\n".to_vec()),
                    has_private_key: false,
                    file_name: "corp-staff.ovpn".into(),
                })))
            }
            _ => None,
        });
        console
    }

    #[test]
    fn after_the_download_the_steps_are_shown_and_saved_beside_the_file() {
        let mut window = Window::open(console());
        let folder = tempfile::tempdir().unwrap();
        window.files.next_target(folder.path().join("a.ovpn"));
        window.show_endpoint(1, None);
        window.press("Download Client Configuration");
        window.click("None");
        window.press("Download");
        window.settle();
        assert!(window.says("How to connect to corp-staff"));
        assert!(window.says("ends in .cvpn-endpoint-1.vpn.example.com, UDP port 443"));
        window.tab("Linux");
        assert!(window.says("sudo openvpn --config 'a.ovpn'"));
        window.press("Save as a page beside it");
        window.press("Save as text beside it");
        let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("a.ovpn"));
        let text = std::fs::read_to_string(folder.path().join("a.txt")).unwrap();
        assert!(text.contains("Android"));
        window.harness.get_by_label("Open to print");
    }

    #[test]
    fn what_is_there_already_is_not_written_over() {
        let mut window = Window::open(console());
        let folder = tempfile::tempdir().unwrap();
        let (taken, other) = (folder.path().join("a.html"), folder.path().join("b.html"));
        std::fs::write(&taken, "mine").unwrap();
        window.files.next_target(folder.path().join("a.ovpn"));
        window.show_endpoint(1, None);
        window.press("Download Client Configuration");
        window.click("None");
        window.press("Download");
        window.settle();
        window.files.next_target(&other);
        window.press("Save as a page beside it");
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
        assert!(other.exists());
    }

    #[test]
    fn a_path_is_spelled_for_a_browser() {
        let path = Path::new("/home/ä b/a%.html");
        assert_eq!(file_url(path), "file:///home/%C3%A4%20b/a%25.html");
    }
}
