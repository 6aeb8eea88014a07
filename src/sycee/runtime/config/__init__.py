"""One typed schema, filled from defaults, a file, the environment and the command line."""

from sycee.runtime.config.load import ConfigurationInvalid, Loaded, Setting, load
from sycee.runtime.config.schema import Key, keys

__all__ = ["ConfigurationInvalid", "Key", "Loaded", "Setting", "keys", "load"]
