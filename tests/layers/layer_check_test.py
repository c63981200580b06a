"""Tests tools/layer_check on small trees written for the purpose: each forbidden arrow must be found, each allowed one not."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "tools" / "layer_check"


def check(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class LayerCheck(unittest.TestCase):
    def refused(self, name, include, because):
        code, output = check({name: f"#include <vector>\n\n  #  include {include}\n"})
        self.assertEqual(code, 1, output)
        self.assertIn(f"{name}:3", output)
        self.assertIn(because, output)

    def allowed(self, name, include):
        code, output = check({name: f"#include {include}\n"})
        self.assertEqual(code, 0, output)

    def test_two_types_of_one_name(self):
        code, output = check({"src/app/a.h": "struct Place {\n};\n", "src/models/b.h": "struct Place final : X {\n};\n"})
        self.assertEqual(code, 1, output)
        self.assertIn("the type Place is defined in src/app/a.h too", output)
        code, output = check({"src/app/a.h": "struct Place {\n  struct Inner {\n  };\n};\nclass Other;\n",
                              "src/app/b.h": "class Other {\n};\nstruct Place;\nstruct Third {\n  struct Inner {\n  };\n};\n",
                              "src/app/c.cc": "struct Place {\n};\n"})
        self.assertEqual(code, 0, output)

    def test_arrows_that_point_up_or_sideways(self):
        for name, include, because in [
            ("src/base/a.cc", '"core/context.h"', "base may not include core"),
            ("src/base/a.cc", '"redraft/history.h"', "base may not include core"),
            ("include/redraft/status.h", '"redraft/model.h"', "base may not include core"),
            ("include/redraft/model.h", '"base/digest.h"', "public headers only"),
            ("src/core/a.cc", '"store/journal.h"', "core may not include store"),
            ("src/store/a.cc", '"models/openai.h"', "store may not include models"),
            ("src/store/a_test.cc", '"models/openai.h"', "store may not include models"),
            ("src/metrics/a.cc", '"engine/study.h"', "metrics may not include engine"),
            ("src/optimizers/a.cc", '"programs/predict.h"', "optimizers may not include programs"),
            ("src/grad/a.cc", '"optimizers/x.h"', "grad may not include optimizers"),
            ("src/engine/a.cc", '"app/settings.h"', "engine may not include app"),
            ("src/app/a.cc", "<cli/main.h>", "app may not include cli"),
            ("src/store/a.cc", '"journal.h"', "write the folder"),
            ("src/store/a.cc", '"support/fakes.h"', "write the folder"),
        ]:
            with self.subTest(name=name, include=include):
                self.refused(name, include, because)

    def test_libraries_outside_their_place(self):
        for name, include, because in [
            ("src/store/a.cc", "<sqlite3.h>", "SQLite"),
            ("src/store/a.cc", "<SQLiteCpp/SQLiteCpp.h>", "SQLite"),
            ("src/base/digest.cc", "<sqlite3.h>", "SQLite"),
            ("src/models/openai.cc", '"llama.h"', "llama.cpp"),
            ("src/engine/a.cc", "<ggml-backend.h>", "llama.cpp"),
            ("src/engine/a.cc", "<curl/curl.h>", "curl"),
            ("src/core/a.cc", "<openssl/evp.h>", "digest"),
            ("src/programs/a.cc", "<re2/re2.h>", "regular expressions"),
            ("src/app/a.cc", "<toml++/toml.h>", "TOML"),
            ("src/app/a.cc", "<CLI/CLI.hpp>", "arguments"),
            ("src/app/run.cc", "<httplib.h>", "serves HTTP"),
        ]:
            with self.subTest(name=name, include=include):
                self.refused(name, include, because)

    def test_arrows_that_are_allowed(self):
        for name, include in [
            ("src/base/a.cc", '"redraft/status.h"'),
            ("src/core/a.cc", '"base/digest.h"'),
            ("src/store/a.cc", '"redraft/history.h"'),
            ("src/store/a_test.cc", '"support/fakes.h"'),
            ("src/optimizers/a.cc", '"statistics/paired.h"'),
            ("src/optimizers/a.cc", '"optimizers/optimizers.def"'),
            ("src/engine/a.cc", '"models/journalled.h"'),
            ("src/app/a.cc", '"engine/study.h"'),
            ("cli/main.cc", '"app/settings.h"'),
            ("src/base/sqlite.cc", "<SQLiteCpp/SQLiteCpp.h>"),
            ("src/models/llama_cpp.cc", '"llama.h"'),
            ("src/models/openai.cc", "<curl/curl.h>"),
            ("cli/main.cc", "<CLI/CLI.hpp>"),
        ]:
            with self.subTest(name=name, include=include):
                self.allowed(name, include)

    def test_a_folder_without_a_layer(self):
        code, output = check({"src/helpers/a.cc": "int x;\n"})
        self.assertEqual(code, 1, output)
        self.assertIn("stands in no layer", output)

    def test_an_empty_tree_is_no_pass(self):
        code, output = check({"README.md": "nothing\n"})
        self.assertEqual(code, 2, output)


if __name__ == "__main__":
    unittest.main()
