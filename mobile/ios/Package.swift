// swift-tools-version:5.9
import PackageDescription

// libhvit_edge_c comes from the XCFramework that build_xcframework.sh writes or, on macOS and
// Linux, from the folder in HVIT_EDGE_LIBRARY.
let library = Context.environment["HVIT_EDGE_LIBRARY"]

let binary: [Target] =
    library == nil ? [.binaryTarget(name: "HvitEdgeC", path: "HvitEdgeC.xcframework")] : []
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
    targets: binary + [
        .target(
            name: "CHvitEdge",
            dependencies: library == nil ? ["HvitEdgeC"] : [],
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
        .testTarget(
            name: "HvitEdgeTests", dependencies: ["HvitEdge"], resources: [.copy("reference.json")]
        ),
    ]
)
