//! The zip format, PyTorch 1.6 and later: under one folder, whatever its name, `data.pkl`, `byteorder` and a
//! file `data/KEY` for each storage.

use super::FORMAT;
use super::assemble::assemble;
use super::pickle::unpickle;
use super::value::Storage;
use crate::archive::Archive;
use crate::error::cut;
use crate::{Error, Result, StateDict};

pub(super) fn read(bytes: &[u8]) -> Result<StateDict> {
    let mut archive = Archive::open(bytes)?;
    let names = archive.names()?;
    let folder = folder(&names)?;
    if archive.contains(&format!("{folder}constants.pkl")) {
        let what = "a TorchScript module".to_owned();
        return Err(Error::Unsupported { format: FORMAT, what, advice: "save `model.state_dict()` with torch.save" });
    }
    let byteorder = format!("{folder}byteorder");
    if archive.contains(&byteorder) {
        check_byteorder(&archive.read(&byteorder)?)?;
    }
    let pickle = archive.read(&format!("{folder}data.pkl"))?;
    let unpickled = unpickle(&pickle)?;
    if !unpickled.rest.is_empty() {
        return Err(Error::malformed(FORMAT, format!("{} bytes follow the pickle", unpickled.rest.len())));
    }
    assemble(unpickled.value, &unpickled.heap, bytes.len(), |key, storage: Storage| {
        let content = archive.read(&format!("{folder}data/{key}"))?;
        storage.check_length(key, content.len())?;
        Ok(content)
    })
}

/// The folder of the one `data.pkl`, with its slash.
fn folder(names: &[String]) -> Result<&str> {
    let folders = names.iter().filter_map(|name| name.strip_suffix("data.pkl"));
    let mut folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/'));
    match (folders.next(), folders.next()) {
        (Some(folder), None) => Ok(folder),
        (None, _) => Err(Error::malformed(FORMAT, "the archive has no data.pkl")),
        (Some(_), Some(_)) => Err(Error::malformed(FORMAT, "the archive has several data.pkl")),
    }
}

fn check_byteorder(content: &[u8]) -> Result<()> {
    if content == b"little" {
        return Ok(());
    }
    let what = format!("byte order {}", cut(&String::from_utf8_lossy(content), 16));
    Err(Error::Unsupported { format: FORMAT, what, advice: "save it again on a little-endian machine" })
}
