//! What the window costs with 5 endpoints, 50 rules, 10 routes and 10,000 connections, all of them
//! on the endpoint that is shown.
//!
//! `cargo bench --bench window`. A frame is what the window's thread does for it without the
//! graphics driver: taking views in, drawing, and turning shapes into triangles. Times are of the
//! thread's own processor time, so that what else runs on the machine does not count. The window's
//! clock is the benchmark's: a second of it passes in sixty frames however long they take, and a
//! view in which all counters have moved arrives with each.

#![expect(clippy::print_stdout, reason = "a table for whoever runs it")]

mod installation;
mod window;

use std::time::Duration;

use egui::{Event, Key, Modifiers, vec2};

use window::{Window, cpu_time};

/// What a frame may take, at the 99th percentile.
const GOAL: f64 = 8.0;

/// Milliseconds of the frames of one kind of use.
struct Use {
    name: &'static str,
    frames: Vec<f64>,
}

impl Use {
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.frames.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or_default()
    }

    fn line(&self) -> String {
        format!(
            "{:<34} {:>6} {:>8.2} {:>8.2} {:>8.2}",
            self.name,
            self.frames.len(),
            self.at(0.5),
            self.at(0.99),
            self.at(1.0)
        )
    }
}

/// `seconds` at sixty frames each, in each of which `act` may do something; a view comes with each.
fn used(
    window: &mut Window,
    name: &'static str,
    seconds: u32,
    act: impl Fn(&mut Window, u32) -> Vec<Event>,
) -> Use {
    let mut frames = Vec::new();
    for frame in 0..seconds * 60 {
        if frame % 60 == 0 {
            window.arrive();
        }
        let events = act(window, frame);
        frames.push(window.frame(events));
    }
    Use { name, frames }
}

/// Ten seconds in which only what is asked for is drawn: a view each second, or nothing.
fn left_alone(window: &mut Window, name: &'static str, with_views: bool) -> (Use, f64) {
    let mut frames = Vec::new();
    let before = cpu_time();
    for _ in 0..10 {
        if with_views {
            window.arrive();
            frames.push(window.frame(Vec::new()));
        }
        frames.extend(window.wait(Duration::from_secs(1)));
    }
    let spent = frames.iter().fold(0.0, |sum, frame| sum + frame);
    // What the thread did beside frames is the arrival of views, which is not the window's.
    debug_assert!(cpu_time() >= before);
    (Use { name, frames }, spent / 10_000.0 * 100.0)
}

fn main() {
    let started = cpu_time();
    let mut window = Window::open();
    let first = window.frame(Vec::new());
    let opened = (cpu_time() - started).as_secs_f64() * 1e3;
    window.show_connections();

    let mut uses = Vec::new();
    let (quiet, idle) = left_alone(&mut window, "nothing changes", false);
    let (views, live) = left_alone(&mut window, "a view each second, untouched", true);
    uses.push(views);
    let table = window.table();
    uses.push(used(&mut window, "scroll", 10, |_, frame| {
        let up = if (frame / 120) % 2 == 0 { -1.0 } else { 1.0 };
        let wheel = Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            source: egui::MouseWheelSource::Wheel,
            delta: vec2(0.0, up * 90.0),
            modifiers: Modifiers::NONE,
            phase: egui::TouchPhase::Move,
        };
        vec![Event::PointerMoved(table), wheel]
    }));
    uses.push(used(&mut window, "move the pointer", 10, |_, frame| {
        let step = (frame % 60) as f32;
        vec![Event::PointerMoved(table + vec2(step, step))]
    }));
    for (name, title) in [
        ("sort by common name", "Common name"),
        ("sort by throughput", "Throughput now"),
        ("sort by ingress", "Ingress"),
    ] {
        let head = window.place(title);
        uses.push(used(&mut window, name, 5, |_, frame| match frame % 30 {
            0 => vec![Event::PointerMoved(head), Window::button(head, true)],
            1 => vec![Window::button(head, false), Event::PointerGone],
            _ => Vec::new(),
        }));
    }
    let field = window.place("Filter connections");
    uses.push(used(&mut window, "filter", 10, |_, frame| {
        let letters = ["u", "s", "e", "r", "-", "0", "4"];
        let turn = frame % 120;
        match (turn % 8, turn / 8) {
            (0, 0) => vec![Event::PointerMoved(field), Window::button(field, true)],
            (1, 0) => vec![Window::button(field, false), Event::PointerGone],
            (0, letter) => match letters.get(letter as usize - 1) {
                Some(letter) => vec![Event::Text((*letter).to_owned())],
                None => vec![Window::key(Key::Backspace)],
            },
            _ => Vec::new(),
        }
    }));
    uses.push(used(
        &mut window,
        "search in the palette",
        10,
        |_, frame| {
            let letters = ["u", "s", "e", "r", "-", "0", "4"];
            match (frame % 8, frame / 8) {
                (0, 0) => vec![Window::key_with(Modifiers::COMMAND, Key::K)],
                (0, letter) => match letters.get((letter as usize - 1) % (2 * letters.len())) {
                    Some(letter) => vec![Event::Text((*letter).to_owned())],
                    None => vec![Window::key(Key::Backspace)],
                },
                _ => Vec::new(),
            }
        },
    ));

    println!("{}", installation_words());
    println!(
        "{:<34} {:>6} {:>8} {:>8} {:>8}",
        "ms of a frame", "frames", "p50", "p99", "most"
    );
    println!("{}", quiet.line());
    uses.iter().for_each(|one| println!("{}", one.line()));
    let all = Use {
        name: "all that a person did",
        frames: uses.iter().flat_map(|one| one.frames.clone()).collect(),
    };
    println!("{}  (goal: p99 below {GOAL})", all.line());
    println!();
    println!(
        "nothing changes: {} frames drawn in 10 s, {idle:.2} % of a core (goal: below 2 %)",
        quiet.frames.len()
    );
    println!("all counters move each second: {live:.2} % of a core");
    println!(
        "the window from nothing to its first frame: {opened:.0} ms, of which the frame {first:.0} ms"
    );
}

fn installation_words() -> String {
    use installation::{CONNECTIONS, ENDPOINTS, ROUTES, RULES};
    format!(
        "{ENDPOINTS} endpoints, {RULES} rules, {ROUTES} routes, {CONNECTIONS} connections, at \
         1920×1080\n"
    )
}
