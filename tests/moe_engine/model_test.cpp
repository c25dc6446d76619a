// Model files that are safetensors, but not the model that they say.
#include <gtest/gtest.h>

#include <cstring>

#include "examples/moe_engine/language/weights.hpp"
#include "files.hpp"

namespace moe_engine::test {
namespace {

// The model's file with the first `from` replaced by `to`, which is as long.
std::string complaint_with(std::string_view from, std::string_view to) {
  std::vector<std::byte> bytes = bytes_of_file(MODEL);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string_view::npos) << from;
  EXPECT_EQ(from.size(), to.size());
  std::memcpy(bytes.data() + place, to.data(), to.size());
  const TemporaryFile file(bytes);
  std::string said = complaint_of([&] { Model model(file.path()); });
  EXPECT_EQ(said.rfind(file.path() + ": byte ", 0), 0u) << said;
  return said;
}

void expect_said(const std::string& said, const std::string& words) {
  EXPECT_NE(said.find(words), std::string::npos) << said;
}

TEST(Model, HasWhatItsFileSays) {
  const Model model(MODEL);
  EXPECT_EQ(model.config().experts, 64u);
  EXPECT_EQ(model.config().head_size(), 32u);
  const std::vector<int> experts{3, 60};
  const Weights weights = model.weights(experts);
  EXPECT_EQ(weights.blocks.size(), 4u);
  EXPECT_EQ(weights.blocks[3].experts.size(), 2u);
  EXPECT_EQ(weights.blocks[3].experts[1].down.size(), 48u * 192u);
}

TEST(Model, NamesWhatIsWrongInItsConfiguration) {
  expect_said(complaint_with(R"(\"dim\": 192)", R"(\"dxm\": 192)"),
              "__metadata__, config, dim: is missing");
  expect_said(complaint_with(R"(\"top_k\": 6)", R"(\"top_k\": 0)"),
              "__metadata__, config, top_k: 0 is not in 1 to 64");
  expect_said(complaint_with(R"(\"heads\": 6)", R"(\"heads\": 5)"),
              "__metadata__, config, heads: 5 heads do not share 192 evenly");
  expect_said(complaint_with(R"(\"vocab\": 256)", R"(\"vocab\": 255)"),
              "__metadata__, config, vocab: 255 is not in 256 to 256");
  expect_said(complaint_with(R"("config": "{)", R"("config": "[)"),
              "__metadata__, config: not JSON");
}

TEST(Model, NamesATensorThatDoesNotFit) {
  expect_said(complaint_with(R"(\"experts\": 64)", R"(\"experts\": 63)"),
              "tensor 'blocks.0.gate.weight', shape: [64, 192], expected [63, 192]");
  expect_said(complaint_with("embed.weight", "embed.heavy_"),
              "tensor 'embed.weight': is not in the header");
  expect_said(
      complaint_with(R"(norm.weight": {"dtype": "BF16)", R"(norm.weight": {"dtype":  "F16)"),
      "norm.weight', dtype: F16, expected BF16");
}

TEST(Model, NamesAWeightThatIsNotFinite) {
  std::vector<std::byte> bytes = bytes_of_file(MODEL);
  bytes[bytes.size() - 1] = std::byte{0x7f};  // BF16 infinity, little-endian
  bytes[bytes.size() - 2] = std::byte{0x80};
  const TemporaryFile file(bytes);
  expect_said(complaint_of([&] { Model model(file.path()); }),
              ": byte " + std::to_string(bytes.size() - 2) +
                  ", tensor 'head.weight': element 49151 is not finite");
}

TEST(Model, NamesATruncation) {
  std::vector<std::byte> bytes = bytes_of_file(MODEL);
  bytes.pop_back();
  const TemporaryFile file(bytes);
  expect_said(complaint_of([&] { Model model(file.path()); }),
              "tensor 'head.weight', data_offsets: end 16518528 lies behind the end of the file");
}

TEST(Model, NamesAFileThatIsNotThere) {
  expect_said(complaint_of([] { Model model("/nowhere/model"); }), "/nowhere/model");
}

}  // namespace
}  // namespace moe_engine::test
