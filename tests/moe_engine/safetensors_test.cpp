// Files of strangers: what is wrong is named with its byte and field, and nothing is read past the
// end.
#include "examples/moe_engine/safetensors/safetensors.hpp"

#include <gtest/gtest.h>

#include <random>

#include "files.hpp"

namespace moe_engine::test {
namespace {

constexpr std::string_view kHeader =
    R"({"__metadata__": {"config": "{}"}, "a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]},)"
    R"( "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]},)"
    R"( "none": {"dtype": "I64", "shape": [9, 0], "data_offsets": [16, 16]}})";
constexpr std::size_t kData = 16;

// Reads all tensors; how many bytes they have.
std::size_t read_all(const Safetensors& file) {
  std::vector<std::byte> all;
  for (const auto& [name, tensor] : file.tensors()) {
    const auto bytes = file.bytes_of(tensor);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all.size();
}

std::string complaint_about(std::string_view header, std::size_t data_bytes) {
  return complaint_of([&] { Safetensors file(file_of(header, data_bytes)); });
}

TEST(Safetensors, AWholeFileIsRead) {
  const Safetensors file(file_of(kHeader, kData));
  EXPECT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensor("a").shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(file.tensor("b").type, "F32");
  EXPECT_EQ(file.place_of(file.tensor("b")), 8 + kHeader.size() + 12);
  EXPECT_EQ(file.metadata("config").text, "{}");
  EXPECT_EQ(read_all(file), kData);
  EXPECT_EQ(complaint_of([&] { file.tensor("c"); }),
            "byte " + std::to_string(8 + kHeader.size()) + ", tensor 'c': is not in the header");
}

TEST(Safetensors, EveryTruncationIsNamed) {
  const std::vector<std::byte> whole = file_of(kHeader, kData);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(),
                                      whole.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string said = complaint_of([&] { Safetensors file(part); });
    EXPECT_EQ(said.substr(0, 5), "byte ") << size;
    EXPECT_NE(said.find(size < 8 + kHeader.size() ? "header length" : "data_offsets"),
              std::string::npos)
        << size << ": " << said;
  }
}

struct Wrong {
  const char* header;
  const char* said;
};

class WrongHeader : public testing::TestWithParam<Wrong> {};

TEST_P(WrongHeader, IsNamed) {
  const std::string said = complaint_about(GetParam().header, 4);
  EXPECT_NE(said.find(GetParam().said), std::string::npos) << said;
  EXPECT_EQ(said.substr(0, 5), "byte ");
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, WrongHeader,
    testing::Values(
        Wrong{"", "byte 8, header: not JSON"}, Wrong{"[]", "byte 9, header: a list"},
        Wrong{"7", "header: a number"}, Wrong{"{} x", "header: not JSON"},
        Wrong{R"({"a": 1})", "byte 16, tensor 'a': a number does not belong here"},
        Wrong{R"({"a": {"dtype": "BF17"}})", "byte 30, tensor 'a', dtype: 'BF17' is not a type"},
        Wrong{R"({"a": {"dtype": 3}})", "tensor 'a', dtype: a number"},
        Wrong{R"({"a": {"dtype": {}}})", "tensor 'a', dtype: an object"},
        Wrong{R"({"a": {"dtype": ["F32"]}})", "tensor 'a', dtype: a list"},
        Wrong{R"({"a": {"kind": "F32"}})", "tensor 'a', kind: no such field"},
        Wrong{R"({"a": {"dtype": "F32", "dtype": "F32"}})", "tensor 'a', dtype: is there twice"},
        Wrong{R"({"a": {"dtype": "F32"}})",
              "tensor 'a': dtype, shape and data_offsets are not all"},
        Wrong{R"({"a": {"shape": "F32"}})", "tensor 'a', shape: a string"},
        Wrong{R"({"a": {"shape": [-1]}})", "tensor 'a', shape: a negative number"},
        Wrong{R"({"a": {"shape": [1.5]}})", "tensor 'a', shape: a fraction"},
        Wrong{R"({"a": {"shape": [[1]]}})", "tensor 'a', shape: a list"},
        Wrong{R"({"a": {"shape": [null]}})", "tensor 'a', shape: null"},
        Wrong{R"({"a": {"shape": true}})", "tensor 'a', shape: a boolean"},
        Wrong{R"({"a": {"shape": [99999999999999999999]}})", "tensor 'a', shape: a fraction"},
        Wrong{R"({"a": {"data_offsets": [0]}})", "tensor 'a', data_offsets: 1 numbers"},
        Wrong{R"({"__metadata__": {"x": 1}})", "__metadata__, x: a number"},
        Wrong{R"({"__metadata__": {"x": "", "x": ""}})", "__metadata__, x: is there twice"},
        Wrong{R"({"__metadata__": {}, "__metadata__": {}})", "'__metadata__': is there twice"},
        Wrong{R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})",
              "tensor 'a', data_offsets: begin 4 lies behind end 0"},
        Wrong{R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 5]}})",
              "tensor 'a', data_offsets: end 5 lies behind the end of the file, 4 bytes"},
        Wrong{R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 18446744073709551615]}})",
              "tensor 'a', data_offsets: end 18446744073709551615"},
        Wrong{R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})",
              "tensor 'a', shape: does not have the 4 bytes"},
        Wrong{R"({"a": {"dtype": "F32", "shape": [4611686018427387905], "data_offsets": [0, 4]}})",
              "tensor 'a', shape: does not have the 4 bytes"},
        Wrong{R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}})",
              "data: 1 bytes belong to no tensor"},
        Wrong{R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [1, 4]}})",
              "tensor 'a', data_offsets: begin is 1 where the tensor before ends at 0"},
        Wrong{R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},)"
              R"( "b": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}})",
              "tensor 'b', data_offsets: begin is 2 where the tensor before ends at 3"}));

TEST(Safetensors, TwoTensorsOfOneNameAreRefused) {
  const std::string a = R"("a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]})";
  EXPECT_NE(complaint_about("{" + a + ", " + a + "}", 2).find("tensor 'a': is there twice"),
            std::string::npos);
}

TEST(Safetensors, RandomChangesAreNamedOrHarmless) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  const std::vector<std::byte> whole = file_of(kHeader, kData);
  std::size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> file = whole;
    for (auto change = random() % 3 + 1; change > 0; --change) {
      file[random() % (8 + kHeader.size())] = static_cast<std::byte>(
          random() % 2 == 0 ? random() : static_cast<unsigned>("0129{}[],:\"-"[random() % 12]));
    }
    if (random() % 4 == 0) file.resize(random() % file.size());
    file.shrink_to_fit();
    try {
      ASSERT_LE(read_all(Safetensors(file)), kData) << "seed " << kSeed << ", round " << round;
    } catch (const FileError& error) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10000u);
}

}  // namespace
}  // namespace moe_engine::test
