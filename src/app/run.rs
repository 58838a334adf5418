//! The window as a program: what it runs on, how it opens, what closing it means.

use std::{
    io,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use egui::{IconData, Ui, ViewportBuilder, ViewportCommand, vec2};
use jiff::tz::TimeZone;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::{
    context::{About, Context},
    dialogs::{Dialog, Stay},
    files::SystemFiles,
    kit::{self, icons},
    shell::{App, Parts, plural},
    state::{OnClose, Prefs},
};
use crate::{
    clock,
    control::{
        Access, Console, Face, Follow, HostError, HostOptions, Link, ModeChoice, Opened, Remote,
        attach_or_start,
    },
    model::View,
};

/// The name under which a desktop knows the window.
const APP_ID: &str = "gatehouse";
/// What the person's choices are kept as.
const PREFS: &str = "prefs";
/// How long what is under way may take when the window has closed.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a gateway that goes on without the window may take until it answers.
const GOES_ON_WITHIN: Duration = Duration::from_secs(20);

/// How to open the window.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory.
    pub data_dir: PathBuf,
    /// How packets are to get into the target network, where the gateway runs in the window.
    pub network: ModeChoice,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data directory can neither be owned nor attached to.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The system has no threads to give.
    #[error("the window's threads cannot be started")]
    Threads(#[source] io::Error),
    /// There is no screen, or nothing that draws on it.
    #[error("the window cannot be opened; `gatehouse serve` runs without one ({0})")]
    Screen(String),
    /// The gateway that should go on could not be started.
    #[error("the gateway does not go on ({0}); start it with `gatehouse serve`")]
    GoOn(#[source] io::Error),
}

/// Opens the window and returns once it is closed and, where the gateway ran in it, that has
/// stopped in order.
///
/// # Errors
/// [`RunError`].
pub fn run(options: &Options) -> Result<(), RunError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("gatehouse-window")
        .enable_all()
        .build()
        .map_err(RunError::Threads)?;
    let Opened { console, host } = runtime.block_on(open(options))?;
    let go_on = Arc::new(AtomicBool::new(false));
    let shown = show(&runtime, options, console, Arc::clone(&go_on));
    if let Some(host) = host {
        runtime.block_on(host.stop());
    }
    let gone_on = match go_on.load(Ordering::SeqCst) {
        true => runtime.block_on(serve_alone(options)),
        false => Ok(()),
    };
    runtime.shutdown_timeout(LAST_WORDS);
    gone_on.map_err(RunError::GoOn)?;
    shown
}

/// Attaches to who owns the data directory, or owns it. Attaching is tried first: a member of the
/// group `gatehouse` may use a system service whose directory is closed to them.
async fn open(options: &Options) -> Result<Opened, HostError> {
    attach_or_start(HostOptions {
        data_dir: options.data_dir.clone(),
        network: options.network,
        name: "gatehouse (the window)".to_owned(),
        face: Face::Window,
        access: Access::User,
    })
    .await
}

/// Starts `gatehouse serve` on the same directory, in a group of its own, so that it outlives
/// this process and what its terminal is told; returns once it answers.
async fn serve_alone(options: &Options) -> io::Result<()> {
    let program = std::env::current_exe()?;
    let network = match options.network {
        ModeChoice::Auto => "auto",
        ModeChoice::Tun => "tun",
        ModeChoice::Userspace => "userspace",
    };
    let mut child = Command::new(program)
        .arg("--data-dir")
        .arg(&options.data_dir)
        .args(["serve", "--network", network])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let until = Instant::now() + GOES_ON_WITHIN;
    loop {
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("it ended at once: {status}")));
        }
        let data_dir = &options.data_dir;
        if Remote::attach(data_dir, Face::Window, Follow::Nothing)
            .await
            .is_ok()
        {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("process {} does not answer yet", child.id()),
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn show(
    runtime: &Runtime,
    options: &Options,
    console: Arc<dyn Console>,
    go_on: Arc<AtomicBool>,
) -> Result<(), RunError> {
    let viewport = ViewportBuilder::default()
        .with_title("Gatehouse")
        .with_app_id(APP_ID)
        .with_icon(icon())
        .with_inner_size(vec2(1280.0, 800.0))
        .with_min_inner_size(vec2(960.0, 600.0));
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        persistence_path: prefs_path(),
        ..eframe::NativeOptions::default()
    };
    let handle = runtime.handle().clone();
    let about = About {
        data_dir: options.data_dir.display().to_string(),
        host: host_name(),
    };
    eframe::run_native(
        "Gatehouse",
        native,
        Box::new(move |cc| Ok(Box::new(Desktop::new(cc, console, handle, about, go_on)))),
    )
    .map_err(|error| RunError::Screen(error.to_string()))
}

/// Beside other programs' settings, away from the data directory.
fn prefs_path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", APP_ID)?;
    Some(dirs.config_dir().join("window.ron"))
}

/// The machine's name, as the navigation shows it.
fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The window with what only a system window has: storage and closing.
struct Desktop {
    app: App,
    closing: Arc<Closing>,
}

/// What was decided about closing.
#[derive(Debug, Default)]
struct Closing {
    /// The question is on screen.
    asked: AtomicBool,
    /// It is answered, or nothing needs asking.
    decided: AtomicBool,
    /// What was typed may go.
    discard: AtomicBool,
    /// The gateway is to go on without the window.
    go_on: Arc<AtomicBool>,
}

impl Desktop {
    fn new(
        cc: &eframe::CreationContext<'_>,
        console: Arc<dyn Console>,
        runtime: Handle,
        about: About,
        go_on: Arc<AtomicBool>,
    ) -> Self {
        kit::install(&cc.egui_ctx);
        let prefs: Prefs = cc
            .storage
            .and_then(|storage| eframe::get_value(storage, PREFS))
            .unwrap_or_default();
        let closing = Arc::new(Closing {
            go_on,
            ..Closing::default()
        });
        runtime.spawn(close_on_signal(cc.egui_ctx.clone(), Arc::clone(&closing)));
        let parts = Parts {
            console,
            runtime,
            files: Arc::new(SystemFiles::new(cc.egui_ctx.clone())),
            zone: TimeZone::system(),
            now: Arc::new(clock::now),
            prefs,
            about,
        };
        Self {
            app: App::new(&cc.egui_ctx, parts),
            closing,
        }
    }

    /// Asks before a close that loses what was typed, or that ends tunnels.
    fn guard_close(&mut self, ctx: &egui::Context) {
        if !ctx.input(|i| i.viewport().close_requested())
            || self.closing.decided.load(Ordering::SeqCst)
        {
            return;
        }
        if kit::has_unsaved(ctx) && !self.closing.discard.load(Ordering::SeqCst) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            if !self.closing.asked.swap(true, Ordering::SeqCst) {
                self.app.open(Unsaved {
                    closing: Arc::clone(&self.closing),
                });
            }
            return;
        }
        if *self.app.link() != Link::Embedded {
            return;
        }
        match self.app.prefs().on_close {
            OnClose::Ask if tunnels(self.app.view()) > 0 => {}
            OnClose::Ask | OnClose::End => return,
            OnClose::GoOn => {
                self.closing.go_on.store(true, Ordering::SeqCst);
                return;
            }
        }
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        if !self.closing.asked.swap(true, Ordering::SeqCst) {
            self.app.open(Close {
                choice: Choice::GoOn,
                closing: Arc::clone(&self.closing),
            });
        }
    }
}

impl eframe::App for Desktop {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.guard_close(ui.ctx());
        self.app.frame(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, PREFS, self.app.prefs());
    }
}

/// SIGTERM, SIGINT and SIGHUP close the window in order, without a question nobody would answer.
async fn close_on_signal(ctx: egui::Context, closing: Arc<Closing>) {
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // The terminal that it was started from is gone.
        _ = hang_up.recv() => {}
    }
    closing.decided.store(true, Ordering::SeqCst);
    ctx.send_viewport_cmd(ViewportCommand::Close);
    ctx.request_repaint();
}

/// Clients whose tunnels this process carries.
fn tunnels(view: &View) -> usize {
    let live = view.live.connections.iter();
    live.filter(|c| c.ended_at.is_none()).count()
}

/// What happens to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    GoOn,
    End,
}

/// The question before the window closes on a form that somebody has filled in.
struct Unsaved {
    closing: Arc<Closing>,
}

impl Dialog for Unsaved {
    fn ui(&mut self, _cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let shown = kit::confirm_dialog("Close Gatehouse?", "Discard and close")
            .body("What you typed in the open form is lost.")
            .cancel("Keep editing")
            .show(ctx);
        match shown {
            kit::Dialog::Open => return Stay::Open,
            kit::Dialog::Closed => {}
            kit::Dialog::Submitted => {
                kit::close_dialog(ctx, "Close Gatehouse?");
                self.closing.discard.store(true, Ordering::SeqCst);
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
        self.closing.asked.store(false, Ordering::SeqCst);
        Stay::Closed
    }
}

/// The question before the window closes on live tunnels.
struct Close {
    choice: Choice,
    closing: Arc<Closing>,
}

impl Dialog for Close {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        let count = plural(tunnels(cx.view), "tunnel", "tunnels");
        let act = match self.choice {
            Choice::GoOn => "Close the window".to_owned(),
            Choice::End => format!("Close and end {count}"),
        };
        let shown = kit::form_dialog("Close Gatehouse?", &act)
            .width(kit::tokens::size::CONFIRM_DIALOG)
            .show(ctx, |ui| {
                kit::body(
                    ui,
                    &format!("The gateway runs in this window and carries {count}."),
                );
                kit::choice_card(
                    "Keep the gateway running",
                    "As a background process; clients reconnect by themselves",
                )
                .icon(icons::CASTLE_TURRET)
                .radio(ui, &mut self.choice, Choice::GoOn);
                kit::choice_card(
                    "End all tunnels",
                    "Nobody can connect until it is started again",
                )
                .icon(icons::STOP_CIRCLE)
                .radio(ui, &mut self.choice, Choice::End);
                kit::help(
                    ui,
                    "As a service of the system it starts with the machine: \
                     systemctl enable --now gatehouse.",
                );
            });
        match shown {
            kit::Dialog::Open => return Stay::Open,
            kit::Dialog::Closed => {
                self.closing.asked.store(false, Ordering::SeqCst);
                self.closing.discard.store(false, Ordering::SeqCst);
            }
            kit::Dialog::Submitted => {
                kit::close_dialog(ctx, "Close Gatehouse?");
                let go_on = self.choice == Choice::GoOn;
                self.closing.go_on.store(go_on, Ordering::SeqCst);
                self.closing.decided.store(true, Ordering::SeqCst);
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
        Stay::Closed
    }
}

/// The mark of the program, 64×64: a turret on the accent.
fn icon() -> IconData {
    const SIDE: u32 = 64;
    let ground = kit::tokens::LIGHT.accent.to_array();
    let turret = kit::tokens::LIGHT.on_fill.to_array();
    let pixel = |x: u32, y: u32| -> [u8; 4] {
        let corner = |v: u32| v.clamp(14, SIDE - 15).abs_diff(v);
        if corner(x).pow(2) + corner(y).pow(2) > 14 * 14 {
            [0; 4]
        } else if in_turret(x, y) {
            turret
        } else {
            ground
        }
    };
    let rgba = (0..SIDE)
        .flat_map(|y| (0..SIDE).flat_map(move |x| pixel(x, y)))
        .collect();
    IconData {
        rgba,
        width: SIDE,
        height: SIDE,
    }
}

/// Three merlons on a wall with a gate, on a grid of 64.
fn in_turret(x: u32, y: u32) -> bool {
    let merlon = (12..22).contains(&y)
        && [14..22, 28..36, 42..50]
            .iter()
            .any(|span| span.contains(&x));
    let parapet = (20..30).contains(&y) && (14..50).contains(&x);
    let wall = (30..52).contains(&y) && (19..45).contains(&x);
    let gate = (38..52).contains(&y) && (28..36).contains(&x);
    (merlon || parapet || wall) && !gate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn the_icon_is_the_mark_on_a_ground_with_round_corners() {
        let icon = icon();
        assert_eq!(icon.rgba.len(), 64 * 64 * 4);
        let at = |x: usize, y: usize| icon.rgba[(y * 64 + x) * 4 + 3];
        assert_eq!(at(0, 0), 0, "the corner is empty");
        assert_eq!(at(32, 2), 255);
    }

    #[test]
    fn ended_connections_are_not_tunnels() {
        let (snapshot, live) = sample::office();
        let view = View {
            snapshot: snapshot.into(),
            live: live.into(),
        };
        assert_eq!(tunnels(&view), 18);
    }
}
