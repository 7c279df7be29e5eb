use std::ops::Range;

/// Positions in a dictionary, as narrow as the largest of them allows: most dictionaries have a few words.
#[derive(Clone, Debug)]
pub(super) enum Indexes {
    Byte(Vec<u8>),
    Short(Vec<u16>),
    Long(Vec<u32>),
}

impl Indexes {
    pub(super) fn push(&mut self, index: u32) {
        match self {
            Self::Byte(indexes) => match u8::try_from(index) {
                Ok(index) => indexes.push(index),
                Err(_) => {
                    *self = Self::Short(indexes.iter().copied().map(u16::from).collect());
                    self.push(index);
                }
            },
            Self::Short(indexes) => match u16::try_from(index) {
                Ok(index) => indexes.push(index),
                Err(_) => {
                    *self = Self::Long(indexes.iter().copied().map(u32::from).collect());
                    self.push(index);
                }
            },
            Self::Long(indexes) => indexes.push(index),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Byte(indexes) => indexes.len(),
            Self::Short(indexes) => indexes.len(),
            Self::Long(indexes) => indexes.len(),
        }
    }

    /// Bytes each of them takes, here and in the Native format.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Long(_) => 4,
        }
    }

    /// Passes these positions to `take`; `rows` lies inside.
    pub(super) fn for_each(&self, rows: Range<usize>, mut take: impl FnMut(usize)) {
        match self {
            Self::Byte(indexes) => {
                indexes.get(rows).unwrap_or_default().iter().for_each(|index| take(usize::from(*index)));
            }
            Self::Short(indexes) => {
                indexes.get(rows).unwrap_or_default().iter().for_each(|index| take(usize::from(*index)));
            }
            Self::Long(indexes) => {
                indexes.get(rows).unwrap_or_default().iter().for_each(|index| take(*index as usize));
            }
        }
    }

    /// Writes these positions; `rows` lies inside.
    pub(super) fn write(&self, rows: Range<usize>, out: &mut Vec<u8>) {
        match self {
            Self::Byte(indexes) => out.extend_from_slice(indexes.get(rows).unwrap_or_default()),
            Self::Short(indexes) => {
                let indexes = indexes.get(rows).unwrap_or_default();
                out.extend(indexes.iter().flat_map(|index| index.to_le_bytes()));
            }
            Self::Long(indexes) => {
                let indexes = indexes.get(rows).unwrap_or_default();
                out.extend(indexes.iter().flat_map(|index| index.to_le_bytes()));
            }
        }
    }
}

impl Default for Indexes {
    fn default() -> Self {
        Self::Byte(Vec::new())
    }
}
