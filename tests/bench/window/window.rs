//! The window without a screen, and the clocks around it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use egui::{Event, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};
use gatehouse::{
    app::{
        context::{About, EndpointTab},
        files::Files,
        kit,
        shell::{App, Parts},
        state::Prefs,
    },
    control::{BoxFuture, Console, Link},
    model::{Answer, Live, Refusal, Request, Snapshot, View},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rustix::time::{ClockId, clock_gettime};
use tokio::{runtime::Runtime, sync::watch};

use crate::installation;

/// Processor time of this thread so far.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}

/// A service that shows what the benchmark lays out.
struct Shown {
    views: watch::Sender<Arc<View>>,
    links: watch::Sender<Link>,
}

impl Console for Shown {
    fn call(&self, _request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
        Box::pin(std::future::ready(Ok(Answer::Done)))
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.links.subscribe()
    }
}

/// Nobody chooses files here.
struct NoFiles;

impl Files for NoFiles {
    fn choose_target<'a>(
        &'a self,
        _title: &'a str,
        _name: &'a str,
    ) -> BoxFuture<'a, Option<std::path::PathBuf>> {
        Box::pin(std::future::ready(None))
    }

    fn choose_source<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<std::path::PathBuf>> {
        Box::pin(std::future::ready(None))
    }

    fn choose_folder<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<std::path::PathBuf>> {
        Box::pin(std::future::ready(None))
    }
}

/// The window and the time in it.
pub(crate) struct Window {
    ctx: egui::Context,
    app: App,
    shown: Arc<Shown>,
    snapshot: Arc<Snapshot>,
    runtime: Runtime,
    /// Milliseconds since the window opened.
    clock: Arc<AtomicU64>,
    second: u32,
    asked: Duration,
}

fn at(clock: &AtomicU64) -> Timestamp {
    let millis = i64::try_from(clock.load(Ordering::Relaxed)).unwrap_or_default();
    installation::began() + SignedDuration::from_millis(millis)
}

impl Window {
    pub(crate) fn open() -> Self {
        let (snapshot, live) = installation::parts(installation::began());
        let view = View {
            snapshot: Arc::clone(&snapshot),
            live,
        };
        let shown = Arc::new(Shown {
            views: watch::channel(Arc::new(view)).0,
            links: watch::channel(Link::Embedded).0,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let ctx = egui::Context::default();
        kit::install(&ctx);
        let clock = Arc::new(AtomicU64::new(0));
        let of_frame = Arc::clone(&clock);
        let app = App::new(
            &ctx,
            Parts {
                console: shown.clone(),
                runtime: runtime.handle().clone(),
                files: Arc::new(NoFiles),
                zone: TimeZone::UTC,
                now: Arc::new(move || at(&of_frame)),
                prefs: Prefs {
                    endpoint_panel: 760.0,
                    ..Prefs::default()
                },
                about: About::default(),
            },
        );
        Self {
            ctx,
            app,
            shown,
            snapshot,
            runtime,
            clock,
            second: 0,
            asked: Duration::MAX,
        }
    }

    /// The first endpoint's connections, with nothing left to settle.
    pub(crate) fn show_connections(&mut self) {
        let id = installation::endpoint_id(0);
        self.app.show_endpoint(id, Some(EndpointTab::Connections));
        self.arrive();
        for _ in 0..30 {
            self.frame(Vec::new());
        }
    }

    /// A view in which every counter has moved; what it costs to make is not the window's.
    pub(crate) fn arrive(&mut self) {
        self.second += 1;
        let live: Live = installation::live(self.second, at(&self.clock));
        self.shown.views.send_replace(Arc::new(View {
            snapshot: Arc::clone(&self.snapshot),
            live: Arc::new(live),
        }));
        self.runtime.block_on(tokio::task::yield_now());
    }

    /// Draws one frame, a sixtieth of a second after the one before; milliseconds it took.
    pub(crate) fn frame(&mut self, events: Vec<Event>) -> f64 {
        let passed = self.clock.fetch_add(17, Ordering::Relaxed) as f64 / 1e3;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(passed),
            predicted_dt: 1.0 / 60.0,
            events,
            focused: true,
            ..RawInput::default()
        };
        if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            viewport.native_pixels_per_point = Some(1.0);
        }
        let before = cpu_time();
        let output = self.ctx.run_ui(input, |ui| self.app.frame(ui));
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let took = cpu_time() - before;
        std::hint::black_box(triangles);
        let root = output.viewport_output.get(&egui::ViewportId::ROOT);
        self.asked = root.map_or(Duration::MAX, |viewport| viewport.repaint_delay);
        took.as_secs_f64() * 1e3
    }

    /// Lets time pass and draws what the window asks for by itself.
    pub(crate) fn wait(&mut self, time: Duration) -> Vec<f64> {
        let mut left = time;
        let mut frames = Vec::new();
        while self.asked <= left {
            left -= self.asked;
            let waited = u64::try_from(self.asked.as_millis()).unwrap_or_default();
            self.clock.fetch_add(waited, Ordering::Relaxed);
            frames.push(self.frame(Vec::new()));
            left = left.saturating_sub(Duration::from_millis(17));
        }
        self.asked = self.asked.saturating_sub(left);
        let rest = u64::try_from(left.as_millis()).unwrap_or_default();
        self.clock.fetch_add(rest, Ordering::Relaxed);
        frames
    }

    /// Somewhere among the rows of the table.
    pub(crate) fn table(&mut self) -> Pos2 {
        self.place("Common name") + vec2(0.0, 200.0)
    }

    /// The middle of what is labelled so, as a screen reader would find it.
    pub(crate) fn place(&mut self, label: &str) -> Pos2 {
        self.ctx.enable_accesskit();
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(self.clock.load(Ordering::Relaxed) as f64 / 1e3),
            ..RawInput::default()
        };
        let output = self.ctx.run_ui(input, |ui| self.app.frame(ui));
        self.ctx.disable_accesskit();
        let update = output.platform_output.accesskit_update.expect("a tree");
        let found = update
            .nodes
            .iter()
            .find(|(_, node)| node.label() == Some(label));
        let bounds = found.and_then(|(_, node)| node.bounds());
        let bounds = bounds.unwrap_or_else(|| panic!("nothing is labelled {label:?}"));
        pos2(
            f64::midpoint(bounds.x0, bounds.x1) as f32,
            f64::midpoint(bounds.y0, bounds.y1) as f32,
        )
    }

    /// The primary button pressed or let go.
    pub(crate) fn button(pos: Pos2, pressed: bool) -> Event {
        Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        }
    }

    /// A key pressed.
    pub(crate) fn key(key: Key) -> Event {
        Self::key_with(Modifiers::NONE, key)
    }

    /// A key pressed while others are held.
    pub(crate) fn key_with(modifiers: Modifiers, key: Key) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        }
    }
}
