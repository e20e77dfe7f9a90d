//! How parts are looked at, as `inspect` and `evaluate` both take it. In: arguments. Out: settings of the inspection.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use sightline_core::anomaly::{Look, METHODS, Method, Settings};

#[derive(Args)]
pub struct Looking {
    /// How patches are scored [default: mahalanobis]
    #[arg(long, value_name = "NAME", value_parser = method_names())]
    method: Option<String>,
    /// The longer side in pixels that a part is looked at with; several are as many looks [default: the method's own]
    #[arg(long, value_name = "N", num_args = 1.., value_parser = clap::value_parser!(u16).range(16..=4096))]
    size: Vec<u16>,
    /// More methods, or the same at other sizes, whose scores are combined: subspace, mahalanobis@672
    #[arg(long, value_name = "NAME[@N]", num_args = 1.., value_parser = look)]
    combine: Vec<Look>,
    /// Prompts learnt in place of words, for zero-shot: AnomalyCLIP's checkpoint for this model
    #[arg(long, value_name = "FILE.pth")]
    prompts: Option<PathBuf>,
    /// Settings as JSON, as they stand in results.json; the options here come on top
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
}

fn method_names() -> clap::builder::PossibleValuesParser {
    let name = |method: &&dyn Method| {
        let sizes: Vec<String> = method.sizes().iter().map(ToString::to_string).collect();
        let help = format!("{}; looks at {} pixels", method.summary(), sizes.join(" and "));
        clap::builder::PossibleValue::new(method.name()).help(help)
    };
    clap::builder::PossibleValuesParser::new(METHODS.iter().map(name))
}

/// "NAME" or "NAME@SIZE".
fn look(text: &str) -> std::result::Result<Look, String> {
    let (method, size) = text.split_once('@').map_or((text, None), |(method, size)| (method, Some(size)));
    let size = size.map(|size| size.parse().map_err(|_| format!("{size:?} is no size in pixels"))).transpose()?;
    Ok(Look { method: method.to_owned(), size: size.unwrap_or(0) })
}

impl Looking {
    /// The settings that are meant.
    ///
    /// # Errors
    /// A file that holds no settings, or numbers that make no sense.
    pub fn settings(&self) -> Result<Settings> {
        let mut settings = match &self.settings {
            Some(path) => serde_json::from_str(&fs_err::read_to_string(path).map_err(sightline_core::Error::from)?)
                .with_context(|| format!("these are no settings of an inspection: {}", path.display()))?,
            None => Settings::default(),
        };
        if let Some(method) = &self.method {
            settings.method.clone_from(method);
        }
        if !self.size.is_empty() {
            settings.sizes = self.size.iter().copied().map(usize::from).collect();
        }
        if self.prompts.is_some() {
            settings.prompts.clone_from(&self.prompts);
        }
        for look in &self.combine {
            let size = if look.size == 0 { settings.size() } else { look.size };
            settings.combined.push(Look { size, ..look.clone() });
        }
        settings.check()?;
        settings.check_use()?;
        Ok(settings)
    }
}
