// swift-tools-version:5.9
import AppleProductTypes
import PackageDescription

let package = Package(
    name: "HvitEdgeCamera",
    platforms: [.iOS(.v17)],
    products: [
        .iOSApplication(
            name: "HvitEdgeCamera",
            targets: ["HvitEdgeCamera"],
            bundleIdentifier: "io.github.hvitedge.camera",
            displayVersion: "0.1.0",
            bundleVersion: "1",
            supportedDeviceFamilies: [.phone],
            supportedInterfaceOrientations: [.portrait],
            capabilities: [.camera(purposeString: "Names what the camera sees, on this phone.")]
        )
    ],
    dependencies: [.package(name: "HvitEdge", path: "../..")],
    targets: [
        .executableTarget(
            name: "HvitEdgeCamera",
            dependencies: [.product(name: "HvitEdge", package: "HvitEdge")],
            path: ".",
            resources: [.copy("Resources")]
        )
    ]
)
