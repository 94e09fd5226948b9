"""Everything that a rule may import."""

from rules.kit.build import (
    argument,
    call,
    expression,
    has_star_kwargs,
    keyword,
    string,
    with_keyword,
)
from rules.kit.data_file import DataFile
from rules.kit.dockerfile import Dockerfile
from rules.kit.edits import (
    AddImport,
    Delete,
    Fix,
    InsertBefore,
    Replace,
    ReplaceHead,
    ReplaceLines,
    deleting,
    replacing,
)
from rules.kit.here import Here
from rules.kit.names import Binding, Kind, dotted
from rules.kit.project import Extractor, Project, Source
from rules.kit.rule import Confidence, Flag, Related, Rule, Severity
from rules.kit.spans import Span
from rules.kit.subjects import (
    Advisory,
    Change,
    Commit,
    CommittedFile,
    DerivedSubject,
    FileChange,
    PythonFile,
    SilencingComment,
    TextFile,
)
from rules.kit.syntax import walk_syntax
from rules.kit.tree import children, find, walk, walk_own
from rules.kit.values import BrokenFileError, Value

__all__ = [
    "AddImport",
    "Advisory",
    "Binding",
    "BrokenFileError",
    "Change",
    "Commit",
    "CommittedFile",
    "Confidence",
    "DataFile",
    "Delete",
    "DerivedSubject",
    "Dockerfile",
    "Extractor",
    "FileChange",
    "Fix",
    "Flag",
    "Here",
    "InsertBefore",
    "Kind",
    "Project",
    "PythonFile",
    "Related",
    "Replace",
    "ReplaceHead",
    "ReplaceLines",
    "Rule",
    "Severity",
    "SilencingComment",
    "Source",
    "Span",
    "TextFile",
    "Value",
    "argument",
    "call",
    "children",
    "deleting",
    "dotted",
    "expression",
    "find",
    "has_star_kwargs",
    "keyword",
    "replacing",
    "string",
    "walk",
    "walk_own",
    "walk_syntax",
    "with_keyword",
]
