//! Import a certificate that was made elsewhere: from files or pasted, in PEM.

use std::sync::Arc;

use egui::Ui;

use crate::{
    app::{
        backend::{Backend, Work},
        context::Context,
        files::{self, Files, Opened},
        form::{Act, DialogForm, Form, FormDialog, dialog::TWO_COLUMNS},
        format,
        kit::{self, Choice, icons},
    },
    model::{
        CertificateArn, Command, Refusal,
        command::{Bytes, ImportCertificate, Secret},
    },
};

/// Asks for certificate, key and chain.
#[derive(Debug, Default)]
pub struct Import {
    certificate: PemField,
    key: PemField,
    chain: PemField,
    replaced: Option<CertificateArn>,
    form: DialogForm,
}

impl Import {
    /// Imports in the place of a certificate of the store.
    #[must_use]
    pub fn replacing(arn: CertificateArn) -> Self {
        Self {
            replaced: Some(arn),
            ..Self::default()
        }
    }
}

impl FormDialog for Import {
    fn title(&self) -> String {
        "Import certificate".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Import"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.certificate.ui(cx, ui, form, CERTIFICATE, false);
        self.key.ui(cx, ui, form, PRIVATE_KEY, true);
        self.chain.ui(cx, ui, form, CHAIN, true);
        let places = places(cx);
        form.choose(ui, PLACE, &mut self.replaced, &places, |field| {
            field.help("The one replaced keeps its ARN, and what uses it goes on with the new one.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::ImportCertificate(ImportCertificate {
            certificate: self.certificate.bytes(),
            private_key: self.key.secret(),
            certificate_chain: Some(self.chain.bytes()).filter(|b| !b.0.is_empty()),
            certificate_arn: self.replaced.as_ref().map(ToString::to_string),
        });
        Ok(Act::command(command, "Certificate imported"))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

const PLACE: (&str, &str) = ("CertificateArn", "In the place of");

/// Nothing, or a certificate that is replaced.
fn places(cx: &Context<'_>) -> Vec<Choice<Option<CertificateArn>>> {
    let mut all: Vec<_> = cx.view.snapshot.certificates.values().collect();
    all.sort_by_key(|it| it.title().to_lowercase());
    let named = all.into_iter().map(|it| {
        let until = format!("until {}", format::day(it.not_after, cx.zone));
        Choice::new(Some(it.arn.clone()), it.title()).detail(until)
    });
    let none = Choice::new(None, "None: a certificate of its own");
    [none].into_iter().chain(named).collect()
}

/// What a field of PEM is called and how it is explained.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct PemWords {
    /// The service's name of it.
    pub(in crate::app) field: &'static str,
    /// The label.
    pub(in crate::app) label: &'static str,
    /// The words of the button that chooses a file, unlike those of the other fields.
    pub(in crate::app) choose: &'static str,
    /// One sentence.
    pub(in crate::app) help: &'static str,
    /// It is a key: one that is read from a file is not shown.
    pub(in crate::app) is_secret: bool,
}

const CERTIFICATE: PemWords = PemWords {
    field: "Certificate",
    label: "Certificate",
    choose: "Choose certificate file…",
    help: "In PEM, such as server.crt, ca.crt or client.crt of easy-rsa.",
    is_secret: false,
};
const PRIVATE_KEY: PemWords = PemWords {
    field: "PrivateKey",
    label: "Private key",
    choose: "Choose key file…",
    help: "In PEM without a passphrase. An authority that only lets clients in needs none.",
    is_secret: true,
};
const CHAIN: PemWords = PemWords {
    field: "CertificateChain",
    label: "Certificate chain",
    choose: "Choose chain file…",
    help: "The certificates above it, such as ca.crt of easy-rsa.",
    is_secret: false,
};

/// A field of PEM: typed, pasted, or read from a file.
#[derive(Default)]
pub(in crate::app) struct PemField {
    text: String,
    /// What a file holds that is not shown: it is a key, no text (DER), or a long one.
    unshown: Vec<u8>,
    name: String,
    file: Work<Option<Opened>>,
}

/// Bytes of a file that are shown: a field that holds more is slow, and nobody reads it.
const SHOWN: usize = 64 << 10;

impl std::fmt::Debug for PemField {
    // The text may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PemField").finish_non_exhaustive()
    }
}

impl PemField {
    /// What is in it, as bytes.
    pub(in crate::app) fn bytes(&self) -> Bytes {
        Bytes(self.as_bytes().to_vec())
    }

    /// What is in it, where it lies.
    pub(in crate::app) fn as_bytes(&self) -> &[u8] {
        if self.unshown.is_empty() {
            self.text.trim().as_bytes()
        } else {
            &self.unshown
        }
    }

    /// What is in it, as a key; none if nothing is.
    pub(in crate::app) fn secret(&self) -> Option<Secret> {
        (!self.is_empty()).then(|| Secret::new(self.as_bytes().to_vec()))
    }

    /// Whether nothing is in it.
    pub(in crate::app) fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Three lines of text and the button that fills them from a file.
    pub(in crate::app) fn ui<T>(
        &mut self,
        cx: &Context<'_>,
        ui: &mut Ui,
        form: &mut Form<T>,
        words: PemWords,
        optional: bool,
    ) {
        self.take_file(form, words);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            form.shows(words.field);
            let error = form.error(words.field, words.label);
            let area = kit::text_area(&mut self.text, 3)
                .label(words.label)
                .hint("-----BEGIN")
                .help(words.help)
                .mono()
                .error(error.as_deref());
            let area = if optional { area.optional() } else { area };
            let out = area.ui(ui);
            form.react(words.field, &mut self.text, &out);
            if out.changed() {
                self.name.clear();
                self.unshown.clear();
            }
            ui.horizontal(|ui| {
                let choose = kit::button(words.choose).icon(icons::FILE_TEXT);
                if choose.working(self.file.is_running()).clicked(ui) {
                    self.file
                        .start(choose_file(cx.backend, cx.files, words.label));
                }
                if !self.name.is_empty() {
                    kit::weak(ui, &self.described());
                }
            });
        });
    }

    fn take_file<T>(
        &mut self,
        form: &mut Form<T>,
        PemWords {
            field, is_secret, ..
        }: PemWords,
    ) {
        match self.file.poll() {
            None | Some(Ok(None)) => {}
            Some(Err(refusal)) => form.refuse(refusal.at(field)),
            Some(Ok(Some(opened))) => {
                self.name = opened.name;
                (self.text, self.unshown) = match String::from_utf8(opened.bytes) {
                    Ok(text) if text.len() <= SHOWN && !is_secret => (text, Vec::new()),
                    Ok(unshown) => (String::new(), unshown.into_bytes()),
                    Err(binary) => (String::new(), binary.into_bytes()),
                };
                form.chose(field);
            }
        }
    }

    /// The file's name, and its size where what it holds is not shown.
    fn described(&self) -> String {
        match self.unshown.len() {
            0 => self.name.clone(),
            bytes => format!("{}, {}", self.name, format::bytes(bytes as u64)),
        }
    }
}

/// Asks for a file and reads it, off the drawing thread.
fn choose_file(
    backend: &Backend,
    files: &Arc<dyn Files>,
    title: &'static str,
) -> crate::app::backend::Pending<Option<Opened>> {
    let files = Arc::clone(files);
    backend.spawn(async move {
        match files.choose_source(title).await {
            Some(path) => files::read(&path).map(Some),
            None => Ok::<_, Refusal>(None),
        }
    })
}
