//! `sightline reviews`: the audit log of what people decided about parts.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use sightline_core::anomaly::report::{AuditFormat, audit_bytes, audit_rows, write};

use super::output::Output;
use super::{Done, Global};

#[derive(Args)]
pub struct Reviews {
    /// Only the decisions about this product's parts
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Where they are written; without it they are the answer, as CSV or with --json as JSON
    #[arg(long, value_name = "FILE.csv|FILE.json")]
    out: Option<PathBuf>,
}

impl Reviews {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let format = self.out.as_deref().map(AuditFormat::of_ending).transpose()?;
        let entries = global.engine()?.reviews(self.product.as_deref());
        let Some((out, format)) = self.out.as_ref().zip(format) else {
            let csv = audit_bytes(&entries, AuditFormat::Csv)?;
            output.answer(&audit_rows(&entries), || String::from_utf8_lossy(&csv).into_owned())?;
            return Ok(Done::Cleanly);
        };
        write(out, &audit_bytes(&entries, format)?)?;
        output.answer(&audit_rows(&entries), || format!("wrote {} decisions to {}", entries.len(), out.display()))?;
        Ok(Done::Cleanly)
    }
}
