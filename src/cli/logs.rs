//! `gatehouse logs filter-log-events`: a search over all its pages, and on with what comes later.

use std::{path::Path, process::ExitCode, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{args::Common, close, command::Search, open, output, printed};
use crate::{
    api::shape,
    clock,
    control::{Console, Follow},
    model::{Answer, Code, Command, LogEvent, LogEventPage, Refusal, Request},
};

/// Searches to the end and prints what was found; or prints each event as it is found and goes on.
pub async fn search(data_dir: &Path, common: &Common, search: Search) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let result = if search.follow {
        follow(&*console, common, search).await
    } else {
        gather(&*console, search).await.map(|(command, page)| {
            let answer = Answer::LogEvents(page);
            let shape = shape::answer_to(&command, &answer, clock::now());
            printed(output::value(common.output, &shape))
        })
    };
    close(console, host).await;
    result.unwrap_or_else(|refusal| {
        output::refusal(&refusal);
        ExitCode::FAILURE
    })
}

/// All pages as one.
async fn gather(console: &dyn Console, search: Search) -> Result<(Command, LogEventPage), Refusal> {
    let mut wanted = search.of;
    let mut all = LogEventPage::default();
    loop {
        if let Some(most) = search.most {
            let left = most.saturating_sub(all.events.len());
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            wanted.limit = Some(wanted.limit.unwrap_or(PAGE).min(left));
        }
        let page = ask(console, Command::FilterLogEvents(wanted.clone())).await?;
        all.events.extend(page.events);
        all.next_forward_token = page.next_forward_token;
        let is_full = search.most.is_some_and(|most| all.events.len() >= most);
        match &all.next_forward_token {
            Some(token) if !is_full => wanted.next_token = Some(token.clone()),
            _ => return Ok((Command::FilterLogEvents(wanted), all)),
        }
    }
}

/// One line for each event, for as long as somebody reads them.
async fn follow(
    console: &dyn Console,
    common: &Common,
    search: Search,
) -> Result<ExitCode, Refusal> {
    let mut wanted = search.of;
    loop {
        let page = ask(console, Command::FilterLogEvents(wanted.clone())).await?;
        for event in &page.events {
            let words = format!("{} {} {}", event.at, event.stream, event.message);
            if let Err(error) = output::line(common.output, &line(event), &words) {
                return Ok(printed(Err(error)));
            }
        }
        if page.next_forward_token.is_none() {
            sleep(PAUSE).await;
        }
        wanted.next_token = page.next_forward_token.or(page.resume_token);
    }
}

/// An event with what it says as an object, where it is one.
fn line(event: &LogEvent) -> Value {
    let message = serde_json::from_str(&event.message);
    json!({
        "logStreamName": event.stream,
        "timestamp": event.at.as_millisecond(),
        "message": message.unwrap_or_else(|_| Value::String(event.message.clone())),
    })
}

async fn ask(console: &dyn Console, command: Command) -> Result<LogEventPage, Refusal> {
    match console.call(Request::from(command)).await? {
        Answer::LogEvents(page) => Ok(page),
        other => Err(Refusal::new(
            Code::InternalError,
            format!("the gateway answered {other:?} to a search"),
        )),
    }
}

/// The most events of a page.
const PAGE: u32 = 10_000;
/// The pause between looks for new events.
const PAUSE: Duration = Duration::from_millis(500);
