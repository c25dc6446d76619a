"""tools/check_includes.py sees what it must see, and only that."""
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_includes


class IncludeDirection(unittest.TestCase):
    def arrows(self, files):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return [arrow for _, _, arrow in check_includes.violations(root)]

    def test_collectives_must_not_know_the_communicator(self):
        files = {
            "src/communicator/communicator.hpp": "",
            "src/collectives/all_reduce.cpp": '#include "communicator/communicator.hpp"\n',
        }
        self.assertEqual(self.arrows(files), ["src/collectives -> src/communicator"])

    def test_a_transport_must_not_know_another(self):
        files = {
            "transports/shm/shm.hpp": "",
            "transports/tcp/tcp.cpp": '#include "transports/shm/shm.hpp"\n',
        }
        with unittest.mock.patch.dict(check_includes.ALLOWED, {"transports/tcp": "contract"}):
            self.assertEqual(self.arrows(files), ["transports/tcp -> transports/shm"])

    def test_a_folder_of_a_transport_can_be_a_layer_of_its_own(self):
        files = {
            "transports/sim/engine/fibre.hpp": '#include "transports/sim/model/port.hpp"\n',
            "transports/sim/model/port.hpp": '#include "transports/sim/engine/fibre.hpp"\n',
            "transports/sim/novelty/a.hpp": "",
        }
        rows = {"transports/sim/engine": "", "transports/sim/model": "transports/sim/engine"}
        with unittest.mock.patch.dict(check_includes.ALLOWED, rows):
            self.assertEqual(
                self.arrows(files),
                [
                    "transports/sim/engine -> transports/sim/model",
                    "transports/sim/novelty is not in the table of tools/check_includes.py",
                ],
            )

    def test_kernels_must_not_know_the_transport_contract(self):
        files = {
            "include/tutti/transport.hpp": "",
            "src/kernels/copy.cpp": "#include <tutti/transport.hpp>\n",
        }
        self.assertEqual(self.arrows(files), ["src/kernels -> the transport contract"])

    def test_relative_includes_are_followed(self):
        files = {
            "src/moe/plan.hpp": "",
            "src/channel/line.cpp": '#include "../moe/plan.hpp"\n',
        }
        self.assertEqual(self.arrows(files), ["src/channel -> src/moe"])

    def test_examples_see_the_public_headers_only(self):
        files = {
            "src/base/clock.hpp": "",
            "include/tutti/tutti.hpp": "",
            "examples/a.cpp": '#include <tutti/tutti.hpp>\n#include "base/clock.hpp"\n',
        }
        self.assertEqual(self.arrows(files), ["examples -> src/base"])

    def test_the_longest_front_of_a_folder_is_its_layer(self):
        files = {
            "transports/ub/engine/time.hpp": "",
            "transports/ub/engine/fibre.hpp": "",
            "transports/ub/model/rate.hpp": '#include "transports/ub/engine/time.hpp"\n',
            "transports/ub/model/fabric.cpp": '#include "transports/ub/engine/fibre.hpp"\n',
        }
        self.assertEqual(self.arrows(files), ["transports/ub/model -> transports/ub/engine"])
        self.assertEqual(len(self.arrows({"transports/novelty/a.cpp": ""})), 1)

    def test_a_folder_outside_the_table_is_reported(self):
        self.assertEqual(len(self.arrows({"src/novelty/a.cpp": ""})), 1)

    def test_arrows_of_the_table_pass(self):
        files = {
            "include/tutti/tutti.h": "",
            "include/tutti/transport.hpp": "#include <tutti/tutti.h>\n",
            "src/base/log.hpp": "#include <tutti/tutti.h>\n",
            "src/channel/line.hpp": '#include <tutti/transport.hpp>\n#include "base/log.hpp"\n',
            "src/moe/plan.cpp": '#include <vector>\n#include "channel/line.hpp"\n',
        }
        self.assertEqual(self.arrows(files), [])


if __name__ == "__main__":
    unittest.main()
