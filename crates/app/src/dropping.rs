//! What was dropped, file by file: a folder is gone through, for the browser hands over only its name.

use js_sys::{Array, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry};

/// More files than this are nobody's log directories; the engine takes fewer.
const MOST: usize = 100_000;

/// Whether a file's name is that of an archive that could hold log directories.
pub fn is_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz", ".zip"].iter().any(|end| name.ends_with(end))
}

/// What was dropped, if it is log directories.
pub enum LogDirs {
    /// Folders, perhaps with files beside them.
    Entries(Vec<FileSystemEntry>),
    /// Archives alone.
    Files(Vec<(String, File)>),
}

/// Whether what was dropped is log directories: folders, or archives alone. It has to be asked while the event lasts.
pub fn log_dirs(data: &DataTransfer) -> Option<LogDirs> {
    let items = data.items();
    let entries: Vec<FileSystemEntry> =
        (0..items.length()).filter_map(|at| items.get(at)?.webkit_get_as_entry().ok()?).collect();
    if entries.iter().any(FileSystemEntry::is_directory) {
        return Some(LogDirs::Entries(entries));
    }
    let files = picked(&data.files()?);
    let archives = !files.is_empty() && files.iter().all(|(path, _)| is_archive(path));
    archives.then_some(LogDirs::Files(files))
}

/// Files that were picked, each with its path below the folder that was.
pub fn picked(files: &FileList) -> Vec<(String, File)> {
    let all = (0..files.length()).filter_map(|at| files.get(at));
    all.map(|file| {
        // It is empty for files that were picked one by one.
        let path =
            js_sys::Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
        (path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name()), file)
    })
    .collect()
}

/// All files of entries, each with its path.
///
/// # Errors
/// The browser cannot read one, in its words.
pub async fn files(entries: Vec<FileSystemEntry>) -> Result<Vec<(String, File)>, String> {
    let (mut open, mut files) = (entries, Vec::new());
    while let Some(entry) = open.pop() {
        if files.len() > MOST {
            break;
        }
        if let Some(folder) = entry.dyn_ref::<FileSystemDirectoryEntry>() {
            let reader = folder.create_reader();
            // It gives so many at a time, and none at the end.
            loop {
                let some = call(|done, failed| {
                    let _ = reader.read_entries_with_callback_and_callback(done, failed);
                });
                let some = Array::from(&some.await?);
                if some.length() == 0 {
                    break;
                }
                open.extend(some.iter().filter_map(|entry| entry.dyn_into().ok()));
            }
        } else if let Some(one) = entry.dyn_ref::<FileSystemFileEntry>() {
            let file = call(|done, failed| one.file_with_callback_and_callback(done, failed)).await?;
            if let Ok(file) = file.dyn_into::<File>() {
                files.push((entry.full_path().trim_start_matches('/').to_owned(), file));
            }
        }
    }
    Ok(files)
}

/// Waits for one of two functions to be called back.
async fn call(begin: impl Fn(&js_sys::Function, &js_sys::Function)) -> Result<wasm_bindgen::JsValue, String> {
    let promise = Promise::new(&mut |done, failed| begin(&done, &failed));
    let words = |error: wasm_bindgen::JsValue| {
        let message = js_sys::Reflect::get(&error, &"message".into()).ok().and_then(|text| text.as_string());
        message.unwrap_or_else(|| format!("{error:?}"))
    };
    JsFuture::from(promise).await.map_err(words)
}

#[cfg(test)]
mod tests {
    use super::is_archive;

    #[test]
    fn archives_are_told_by_their_names() {
        for (name, want) in [
            ("broker-1.tar", true),
            ("kafka-logs.TAR.GZ", true),
            ("a.tgz", true),
            ("a.zip", true),
            ("access.log", false),
            ("orders.csv.gz", false),
            ("tar", false),
        ] {
            assert_eq!(is_archive(name), want, "{name}");
        }
    }
}
