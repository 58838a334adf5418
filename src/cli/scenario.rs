//! `gatehouse scenario`: what a scenario of the guide lacks, as commands to paste, or carried out.

use std::{path::Path, process::ExitCode, sync::Arc};

use serde_json::{Value, json};

use super::{args::Common, close, command::line, open, output, printed};
use crate::{
    api::shape,
    control::{Console, Follow},
    model::{Answer, Code, Command, Refusal, Request, Scenario, scenario::DescribeScenario},
};

/// Prints how far a scenario has come; with `apply`, after carrying out what is missing.
pub async fn scenario(
    data_dir: &Path,
    common: &Common,
    of: DescribeScenario,
    apply: bool,
) -> ExitCode {
    let (console, host) = match open(data_dir, common, Follow::Nothing).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut applied = Vec::new();
    let result = if apply {
        carry_out(&console, &of, &mut applied).await
    } else {
        Ok(())
    };
    let now = describe(&console, &of).await;
    close(console, host).await;
    // Where the description itself was refused, there is nothing else to show.
    if let Ok(now) = &now {
        let shape = as_lines(now, common, apply.then_some(&applied));
        let code = printed(output::value(common.output, &shape));
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    match result.and(now.map(drop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            output::refusal(&refusal);
            ExitCode::FAILURE
        }
    }
}

/// Carries out what is offered, looking again after each command: what is offered next may follow
/// from it. Ends where nothing is offered that was not carried out already.
///
/// # Errors
/// The first refusal.
async fn carry_out(
    console: &Arc<dyn Console>,
    of: &DescribeScenario,
    applied: &mut Vec<Command>,
) -> Result<(), Refusal> {
    loop {
        let offers = describe(console, of).await?.steps.into_iter();
        let mut offers = offers.flat_map(|step| step.offer);
        let Some(next) = offers.find(|offer| !applied.contains(offer)) else {
            return Ok(());
        };
        console.call(next.clone().into()).await?;
        applied.push(next);
    }
}

async fn describe(console: &Arc<dyn Console>, of: &DescribeScenario) -> Result<Scenario, Refusal> {
    let request = Request::from(Command::DescribeScenario(of.clone()));
    match console.call(request).await? {
        Answer::Scenario(it) => Ok(it),
        other => Err(Refusal::new(
            Code::InternalError,
            format!("The gateway answered something else than a scenario: {other:?}"),
        )),
    }
}

/// Its shape, with commands as lines; and what was carried out, where that was asked for.
fn as_lines(it: &Scenario, common: &Common, applied: Option<&Vec<Command>>) -> Value {
    let words = |command: &Command| pasted(command, common);
    let mut shape = shape::scenario(it, words);
    if let (Some(applied), Some(shape)) = (applied, shape.as_object_mut()) {
        let lines: Vec<String> = applied.iter().map(words).collect();
        shape.insert("Applied".to_owned(), json!(lines));
    }
    shape
}

/// A whole command line, on the data directory that this one was given.
fn pasted(command: &Command, common: &Common) -> String {
    // What a scenario offers always has a line; else its name is better than nothing.
    let Some(line) = line::of(command) else {
        return command.action().to_owned();
    };
    let mut whole = "gatehouse ".to_owned();
    if let Some(data_dir) = &common.data_dir {
        let data_dir = line::quoted(&data_dir.to_string_lossy());
        whole.push_str(&format!("--data-dir {data_dir} "));
    }
    if common.offline {
        whole.push_str("--offline ");
    }
    whole + &line
}
