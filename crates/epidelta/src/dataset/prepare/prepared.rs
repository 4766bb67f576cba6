//! Whether a file is what preparing would make, so that it need not be made again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use rayon::prelude::*;

use super::{CellTypeFiles, Genes, PrepareConfig, settings};
use crate::{
    dataset::epigenome::Epigenome,
    error::Result,
    provenance::{Provenance, Source, source},
};

/// In what an epigenome differs from what [`prepare`](super::prepare) would make of a cell type's files, without
/// counting anything: settings, files, versions. None if in nothing.
///
/// # Errors
/// When a file cannot be read.
pub fn differs_from_prepared(
    epigenome: &Epigenome,
    files: &CellTypeFiles,
    genes: &Genes,
    config: &PrepareConfig,
) -> Result<Option<String>> {
    let text = epigenome.metadata.provenance.as_deref().unwrap_or("");
    let Ok(there) = serde_json::from_str::<Provenance>(text) else {
        return Ok(Some("it does not tell how it was made".into()));
    };
    let version = env!("CARGO_PKG_VERSION");
    if there.command != "prepare" || there.epidelta != version {
        let made = format!("by epidelta {} {}", there.epidelta, there.command);
        return Ok(Some(format!("it was made {made}")));
    }
    let expression = files.read_expression()?;
    let here = settings(files, genes, config, &expression.column);
    let names: BTreeSet<&String> = here.keys().chain(there.settings.keys()).collect();
    let of = |settings: &BTreeMap<String, String>, name: &String| {
        settings.get(name).map_or("none".to_owned(), String::clone)
    };
    if let Some(name) = names
        .into_iter()
        .find(|name| here.get(*name) != there.settings.get(*name))
    {
        let [there, here] = [&there.settings, &here].map(|settings| of(settings, name));
        return Ok(Some(format!("{name} is {there} there, {here} here")));
    }
    let metadata = &epigenome.metadata;
    let units = [
        Some(&metadata.expression_unit) == Some(&config.expression_unit),
        metadata.genome == config.genome,
        config
            .signal_unit
            .as_ref()
            .is_none_or(|unit| *unit == metadata.signal_unit),
    ];
    if units.contains(&false) {
        return Ok(Some("its units or its genome are others".into()));
    }
    // What a file is used as, besides reads or signal, which its content tells.
    let known = |role: &str, source: &Source| {
        let used = role
            .strip_prefix("reads, ")
            .or(role.strip_prefix("signal, "));
        (
            used.unwrap_or(role).to_owned(),
            source.name.clone(),
            source.sha256.clone(),
        )
    };
    let there: Vec<_> = there.sources.iter().map(|s| known(&s.role, s)).collect();
    let mut here: Vec<_> = genes.sources.iter().map(|s| known(&s.role, s)).collect();
    here.push(known(&expression.source.role, &expression.source));
    let of_files: Result<HashMap<&Path, Source>> = files
        .files()
        .into_par_iter()
        .map(|path| Ok((path, source("", path)?)))
        .collect();
    let of_files = of_files?;
    for track in &files.tracks {
        here.push(known(&track.mark, &of_files[track.path.as_path()]));
        if let Some(control) = &track.control {
            let role = format!("control, {}", track.mark);
            here.push(known(&role, &of_files[control.as_path()]));
        }
    }
    Ok((there != here).then(|| "its files were others".into()))
}
