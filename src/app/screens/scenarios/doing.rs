//! Carrying out what a scenario offers, off the drawing thread.

use std::sync::Arc;

use crate::{
    app::form,
    control::Console,
    model::{Answer, Command, Refusal, Scenario, ScenarioStep, scenario::DescribeScenario},
};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    /// The scenario it was for.
    pub(super) of: DescribeScenario,
    /// How many commands were carried out.
    pub(super) commands: usize,
    /// The step whose command was refused, and why. What was carried out before stays.
    pub(super) refused: Option<(String, Refusal)>,
}

/// Carries out what one step offers, in order, up to the first refusal.
///
/// # Errors
/// Never: a refusal is part of what came of it.
pub(super) async fn one(
    console: Arc<dyn Console>,
    of: DescribeScenario,
    step: ScenarioStep,
) -> Result<Ran, Refusal> {
    let mut ran = Ran {
        of,
        commands: 0,
        refused: None,
    };
    for command in step.offer {
        if let Err(refusal) = form::call(&*console, command).await {
            ran.refused = Some((step.name, refusal));
            break;
        }
        ran.commands += 1;
    }
    Ok(ran)
}

/// Carries out the first command that is offered, looks again, and so on: what is offered next may
/// follow from it. Ends where nothing is offered that was not carried out already, and before a step
/// that takes something away from somebody: that has a button of its own.
///
/// # Errors
/// The refusal to say what the scenario lacks. What was carried out before stays.
pub(super) async fn all(console: Arc<dyn Console>, of: DescribeScenario) -> Result<Ran, Refusal> {
    let mut done = Vec::new();
    let mut refused = None;
    while let Some((step, next)) = next(describe(&*console, &of).await?, &done) {
        if let Err(refusal) = form::call(&*console, next.clone()).await {
            refused = Some((step, refusal));
            break;
        }
        done.push(next);
    }
    Ok(Ran {
        of,
        commands: done.len(),
        refused,
    })
}

async fn describe(console: &dyn Console, of: &DescribeScenario) -> Result<Scenario, Refusal> {
    match form::call(console, Command::DescribeScenario(of.clone())).await? {
        Answer::Scenario(scenario) => Ok(scenario),
        _ => Err(form::unexpected()),
    }
}

/// The first command offered that was not carried out yet, with the name of its step; none where
/// that step takes something away.
fn next(scenario: Scenario, done: &[Command]) -> Option<(String, Command)> {
    let (step, command) = scenario.steps.into_iter().find_map(|mut step| {
        let at = step.offer.iter().position(|it| !done.contains(it))?;
        let command = step.offer.swap_remove(at);
        Some((step, command))
    })?;
    (!step.replaces).then_some((step.name, command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ScenarioKind, command::ById};

    #[test]
    fn doing_all_stops_before_what_takes_away() {
        let command = |id: &str| Command::DeleteVpc(ById { id: id.to_owned() });
        let step = |name: &str, replaces| ScenarioStep {
            name: name.to_owned(),
            title: String::new(),
            is_done: false,
            sentence: String::new(),
            offer: vec![command(name)],
            replaces,
        };
        let scenario = Scenario {
            scenario: ScenarioKind::Vpc,
            steps: vec![
                step("first", false),
                step("second", true),
                step("third", false),
            ],
        };
        let first = next(scenario.clone(), &[]);
        assert_eq!(first, Some(("first".to_owned(), command("first"))));
        assert_eq!(next(scenario, &[command("first")]), None);
    }
}
