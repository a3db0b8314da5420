//! A copy of the whole store in one file, while it is used.

use std::path::Path;

use rusqlite::Connection;

use crate::commit::write_series;
use crate::open_day::OpenDay;
use crate::point::Slot;
use crate::registry::SeriesEntry;
use crate::seal;
use crate::store::{FILE, History, WriteError, begin, lock};
use crate::trouble::Trouble;

impl History {
    /// Writes a consistent copy to `to`, which must not exist: what is sealed, the ledger, events and states, and the
    /// values of the open day, committed or not. It becomes a store when it is put into a data folder as `history.sqlite`. Returns
    /// its size in bytes. Others can write and read meanwhile.
    pub fn backup(&self, to: &Path) -> Result<u64, WriteError> {
        const WHAT: &str = "a backup";
        let refused = |error| WriteError { what: WHAT, trouble: Trouble::of_file(to, error) };
        let failed = |error| WriteError { what: WHAT, trouble: Trouble::new(to, error) };
        if to.exists() {
            return Err(refused(std::io::ErrorKind::AlreadyExists.into()));
        }
        let _turn = lock(&self.upkeep);
        // Sealing is kept out, so that what is in memory now is what the copy lacks.
        let (days, series) = self.in_memory();
        // Under another name until it is whole: half a backup must not look like one.
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = Path::new(&part);
        let _ = std::fs::remove_file(part);
        let copied = self.copy_to(part, &days, &series);
        if let Err(error) = copied {
            let _ = std::fs::remove_file(part);
            return Err(failed(error));
        }
        std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(refused)?;
        std::fs::rename(part, to).map_err(refused)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
        std::fs::metadata(to).map(|metadata| metadata.len()).map_err(refused)
    }

    /// The values in memory, oldest first, and all series.
    fn in_memory(&self) -> (Vec<OpenDay>, Vec<(Slot, SeriesEntry)>) {
        let memory = self.memory();
        let sealing = memory.sealing.iter().map(|sealing| OpenDay::clone(&sealing.day));
        let days = sealing.chain([memory.open.clone()]).collect();
        (days, memory.registry.iter().map(|(slot, entry)| (slot, entry.clone())).collect())
    }

    fn copy_to(
        &self,
        to: &Path,
        days: &[OpenDay],
        series: &[(Slot, SeriesEntry)],
    ) -> Result<(), rusqlite::Error> {
        let source = Connection::open(self.path.with_file_name(FILE))?;
        source.busy_timeout(self.limits.busy)?;
        source.execute("VACUUM INTO ?", [to.to_string_lossy()])?;
        drop(source);
        let mut copy = Connection::open(to)?;
        // The copy is another store: head logs of this one are not its.
        copy.execute("UPDATE store SET id = random(), sealed_generation = 0, sealed_day = NULL", ())?;
        let transaction = begin(&mut copy)?;
        write_series(&transaction, series)?;
        transaction.commit()?;
        for day in days {
            let slots = day.slots();
            let sealings: Vec<seal::Sealing> = slots
                .filter_map(|slot| series.iter().find(|(known, _)| *known == slot))
                .map(|(slot, entry)| seal::Sealing::new(*slot, entry))
                .collect();
            seal::write(day, &sealings, &self.calendar, &mut |work| {
                let transaction = begin(&mut copy)?;
                work(&transaction)?;
                transaction.commit()
            })?;
        }
        Ok(())
    }
}
