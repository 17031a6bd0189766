//! Enums whose variants are stable codes.

/// Makes an enum of stable codes: the name of a variant is its code, its documentation what the code stands for.
///
/// For the crates of this workspace; `serde` must be among the caller's dependencies.
///
/// ```
/// lumbar_core::stable_codes! {
///     /// Why a door is shut.
///     Reason {
///         /// It is night.
///         Night;
///         /// Nobody is in.
///         Nobody;
///     }
/// }
/// assert_eq!(Reason::ALL.len(), 2);
/// assert_eq!(Reason::Night.code(), "Night");
/// assert_eq!(Reason::Nobody.meaning(), "Nobody is in.");
/// assert_eq!(format!("{:>8}", Reason::Night), "   Night");
/// ```
#[macro_export]
macro_rules! stable_codes {
    ($(#[$attribute:meta])* $enum:ident { $($(#[doc = $doc:literal])* $name:ident;)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $enum { $($(#[doc = $doc])* $name,)* }

        impl $enum {
            /// Every code.
            pub const ALL: &'static [$enum] = &[$($enum::$name,)*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $($enum::$name => stringify!($name),)* }
            }

            /// What the code stands for, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $($enum::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.code())
            }
        }
    };
}
