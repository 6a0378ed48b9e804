//! A section of numbers, written once: as written, as checked, its defaults and its bounds.

/// Makes two types of a list of fields: the section as written, whose fields may all be left out, and the section as
/// checked. A field reads `name: Type = Kind(default, least, greatest)`, spelled as in a document;
/// `paths` are files, absent unless given.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $written:ident => $checked:ident $(paths { $($(#[$path_doc:meta])* $path_field:ident),* $(,)? })? {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $kind:ident($default:literal, $min:literal, $max:literal)),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $written {
            $($($(#[$path_doc])* pub(crate) $path_field: Option<$crate::written::Raw<$crate::written::Text>>,)*)?
            $(
                $(#[$field_doc])*
                #[doc = concat!("\n\nDefault ", $default, ", from ", $min, " to ", $max, ".")]
                pub(crate) $field: Option<$crate::written::Raw<$crate::written::$kind>>,
            )*
        }

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $checked {
            $($($(#[$path_doc])* pub $path_field: Option<std::path::PathBuf>,)*)?
            $($(#[$field_doc])* #[doc = concat!("\n\nDefault ", $default, ", from ", $min, " to ", $max, ".")] pub $field: $type,)*
        }

        impl $checked {
            /// Every number by its name, to be compared.
            pub(crate) fn numbers(&self) -> Vec<(&'static str, $crate::sections::section::Number)> {
                vec![$((stringify!($field), $crate::sections::section::Number::from(self.$field))),*]
            }
        }

        impl $written {
            pub(crate) fn check(&self, path: &str, checker: &mut $crate::check::Checker) -> $checked {
                $(
                    let bounds = $crate::check::Bounds { default: $default, min: $min, max: $max };
                    let $field = checker.bounded(self.$field.as_ref(), &format!("{path}.{}", stringify!($field)), bounds);
                )*
                $($(
                    let $path_field = checker.path(self.$path_field.as_ref(), &format!("{path}.{}", stringify!($path_field)));
                )*)?
                $checked { $($($path_field,)*)? $($field: $crate::sections::section::Fit::fit($field),)* }
            }

            /// The default and the bounds of each field, with what they should be read as.
            #[cfg(test)]
            pub(crate) fn bounds() -> Vec<(&'static str, bool)> {
                fn sound<K: $crate::check::Measure>(default: &str, min: &str, max: &str) -> bool {
                    let (Some(default), Some(min), Some(max)) = (K::read(default), K::read(min), K::read(max)) else {
                        return false;
                    };
                    min <= default && default <= max
                }
                vec![$((stringify!($field), sound::<$crate::written::$kind>($default, $min, $max))),*]
            }
        }
    };
}
pub(crate) use section;

/// A checked number of any type, as it is compared and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) value: u128,
    pub(crate) text: String,
}

impl From<std::time::Duration> for Number {
    fn from(time: std::time::Duration) -> Self {
        Self { value: time.as_millis(), text: format!("{time:?}") }
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self { value: number as u128, text: number.to_string() }
    }
}

/// A checked number in the type that its users want. The bounds above are narrower than every such type.
pub(crate) trait Fit<T> {
    fn fit(self) -> T;
}

impl Fit<Self> for std::time::Duration {
    fn fit(self) -> Self {
        self
    }
}

impl Fit<Self> for u64 {
    fn fit(self) -> Self {
        self
    }
}

macro_rules! fit {
    ($($type:ty),*) => {
        $(
            impl Fit<$type> for u64 {
                fn fit(self) -> $type {
                    self.try_into().unwrap_or(<$type>::MAX)
                }
            }
        )*
    };
}

fit!(usize, u32, u8);

macro_rules! number {
    ($($type:ty),*) => {
        $(
            impl From<$type> for Number {
                fn from(number: $type) -> Self {
                    Self { value: u128::from(number), text: number.to_string() }
                }
            }
        )*
    };
}

number!(u64, u32, u8);
