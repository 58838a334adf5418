//! Settings of the installation.

use super::{
    change::Change,
    fields::{self, invalid},
};
use crate::model::{Answer, Refusal, command::ModifySettings};

impl Change<'_, '_> {
    pub(super) fn modify_settings(&mut self, command: &ModifySettings) -> Result<Answer, Refusal> {
        let mut settings = self.snapshot.settings.clone();
        if let Some(address) = &command.public_address {
            settings.public_address = fields::public_address(address)?;
        }
        if let Some(domain) = &command.endpoint_domain {
            settings.endpoint_domain = fields::endpoint_domain(domain)?;
        }
        self.modify_limits(command, &mut settings)?;
        if let Some(done) = command.getting_started_done {
            settings.getting_started_done = done;
        }
        if let Some(secs) = command.rekey_secs {
            if !REKEY_SECS.contains(&secs) {
                return Err(invalid(
                    "RekeySecs",
                    format!(
                        "Keys are renewed after {} to {} seconds, for example 3600",
                        REKEY_SECS.start(),
                        REKEY_SECS.end()
                    ),
                )
                .cure("3600"));
            }
            settings.rekey_secs = secs;
        }
        if settings != self.snapshot.settings {
            self.tx.put_settings(&settings)?;
        }
        Ok(Answer::Settings(settings))
    }
}

const REKEY_SECS: std::ops::RangeInclusive<u32> = 10..=86_400;
