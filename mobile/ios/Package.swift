// swift-tools-version:5.9
import PackageDescription

// The runtime is compiled from its sources, for artifacts of `--target native`. Two variables of the
// environment choose the full runtime instead, which also runs those of `--target xnnpack`:
// HVIT_EDGE_XCFRAMEWORK, the XCFramework that build_xcframework.sh wrote into this folder, or
// HVIT_EDGE_LIBRARY, a folder that has libhvit_edge_c, on macOS and Linux.
let framework = Context.environment["HVIT_EDGE_XCFRAMEWORK"]
let library = Context.environment["HVIT_EDGE_LIBRARY"]
let isSource = framework == nil && library == nil

// In runtime/kernels are the files that need another instruction set or rounding.
let notCompiled = [
    "runtime/capi/CMakeLists.txt",
    "runtime/capi/abi_0.1.0.txt",
    "runtime/capi/exports.map",
    "runtime/capi/exports_apple.txt",
    "runtime/src/executorch",
    "runtime/src/image/preprocess.cpp",
    "runtime/src/image/resample.cpp",
    "runtime/src/native/half_copies.cpp",
    "runtime/src/native/operators_avx2.cpp",
    "runtime/src/native/operators_avx512.cpp",
    "runtime/src/native/operators_dotprod.cpp",
    "runtime/src/native/operators_half_arm.cpp",
    "runtime/src/native/operators_half_avx2.cpp",
    "runtime/src/native/operators_half_avx512.cpp",
    "runtime/src/native/operators_half_i8mm.cpp",
    "runtime/src/native/operators_half_portable.cpp",
    "runtime/src/native/operators_i8mm.cpp",
    "runtime/src/native/operators_portable.cpp",
]

let binaries: [Target] =
    framework.map { [.binaryTarget(name: "HvitEdgeC", path: $0)] } ?? []
let linked: [LinkerSetting] =
    library.map { folder in
        [
            .linkedLibrary("hvit_edge_c"),
            .unsafeFlags(["-L", folder, "-Xlinker", "-rpath", "-Xlinker", folder]),
        ]
    } ?? []

let package = Package(
    name: "HvitEdge",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "HvitEdge", targets: ["HvitEdge"])],
    targets: binaries + [
        .target(
            name: "CHvitEdge",
            dependencies: framework == nil ? [] : ["HvitEdgeC"],
            exclude: isSource ? notCompiled : ["runtime"],
            cxxSettings: [
                .headerSearchPath("runtime/src"),
                .headerSearchPath("runtime/include"),
                .headerSearchPath("runtime/generated"),
            ],
            linkerSettings: linked
        ),
        .target(
            name: "HvitEdge",
            dependencies: ["CHvitEdge"],
            swiftSettings: [.enableExperimentalFeature("StrictConcurrency")]
        ),
        .executableTarget(
            name: "ClassifyFrame", dependencies: ["HvitEdge"], path: "Examples/ClassifyFrame"
        ),
        .executableTarget(
            name: "DrawOverlay", dependencies: ["HvitEdge"], path: "Examples/DrawOverlay"
        ),
        .testTarget(
            name: "HvitEdgeTests", dependencies: ["HvitEdge"], exclude: ["artifacts"],
            resources: [.copy("reference.json")]
        ),
    ],
    cxxLanguageStandard: .cxx17
)
